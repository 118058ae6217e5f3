// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import * as fc from 'fast-check';
import { MacAddress } from '../net/mac-address.ts';
import { ip, prefix } from '../net/testing.ts';
import { decodeNodeHealth, decodeNodeState } from './decode.ts';
import { encodeNodeHealth, encodeNodeState, MAX_STATE_CHARACTERS } from './encode.ts';
import { nodeLabelValue, nodeLeaseName } from './lease-name.ts';
import type { NodeState, OwnedState } from './node-state.ts';
import { IDLE_NODE_STATE } from './testing.ts';

const MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 1)) ?? MacAddress.ZERO;

describe('node state as text', () => {
  it('comes back as it was, in the order of the addresses', () => {
    const state: NodeState = {
      ...IDLE_NODE_STATE,
      segments: [
        {
          interface: 'lan0',
          mac: MAC,
          phase: 'active',
          members: [
            { node: 'edge-2', hearing: 'both', way: 'udp' },
            { node: 'edge-3', hearing: 'one-way', way: 'unicast' },
            { node: 'edge-4', hearing: 'lost' },
          ],
        },
        {
          interface: 'lan2',
          mac: MAC,
          phase: 'active',
          members: [{ node: 'edge-4', hearing: 'lost' }],
          contact: 'cut-off',
          answer: 'engine',
        },
        {
          ...{ interface: 'lan1', mac: MAC, phase: 'listening', members: [], answer: 'none' },
          subnets: [prefix('192.0.2.0/25'), prefix('2001:db8::/56')],
        },
        { interface: 'lan4', mac: MAC, phase: 'active', members: [], notReached: ['edge-5', 'edge-6'] },
        { interface: 'lan3', mac: MAC, phase: 'active', members: [], answer: 'thread', answersForOthers: true },
      ],
      owned: [
        owned('192.0.2.7', { term: 3, sinceSeconds: 1_800_000_005 }),
        owned('192.0.2.9', { sinceSeconds: 1_800_000_000 }),
        owned('192.0.2.200', { isOutside: true }),
        owned('2001:db8::7', { why: 'orphaned' }),
        owned('192.0.2.7', { interface: 'lan1' }),
        owned('192.0.2.20', { why: 'orphaned', moved: { from: 'edge-2', cause: 'silent', unansweredMs: 131 } }),
        owned('192.0.2.21', { why: 'orphaned', moved: { from: 'edge-2', cause: 'silent', unansweredMs: undefined } }),
        owned('192.0.2.22', { why: 'handed-over', moved: { from: 'edge-3', cause: 'order', unansweredMs: 0 } }),
        owned('192.0.2.7', { interface: 'lan2', term: 4, standing: { yieldsTo: 4, isWeak: true, isFresh: false } }),
        owned('192.0.2.8', { interface: 'lan2', term: 9, standing: { yieldsTo: 2, isWeak: false, isFresh: true } }),
      ],
      conflicts: [
        { vip: ip('192.0.2.8'), interface: 'lan0', mac: MAC, sinceSeconds: 17, kind: 'before-use' },
        { vip: ip('192.0.2.2'), interface: 'lan0', mac: MAC, sinceSeconds: 17, kind: 'before-use', user: 'node' },
        { vip: ip('192.0.2.1'), interface: 'lan0', mac: MAC, sinceSeconds: 17, kind: 'before-use', user: 'gateway' },
      ],
      unreachable: [{ vip: ip('192.0.2.8'), interface: 'lan0', why: 'wrong-answer', macs: [MAC], sinceSeconds: 17 }],
      notAnnounced: [
        { vip: ip('192.0.2.10'), why: 'probing' },
        { vip: ip('192.0.2.11'), why: 'not-attached' },
        { vip: ip('192.0.2.12'), why: 'no-room' },
      ],
      orders: [
        { id: 'a1', outcome: 'done', why: undefined },
        { id: 'a2', outcome: 'refused', why: 'not-heard' },
      ],
      testedSeconds: 1_800_000_000,
      keeping: 2,
      moves: { why: 'program', code: 'EPERM' },
      check: {
        id: 'c1',
        asked: 2,
        right: 1,
        heard: [
          { vip: ip('192.0.2.7'), interface: 'lan0', owner: { node: 'edge-2', mac: MAC }, macs: [] },
          { vip: ip('192.0.2.8'), interface: 'lan0', owner: undefined, macs: [MAC, MAC] },
        ],
      },
    };
    expect(decoded(encodeNodeState(state))).to.deep.equal({ ok: true, value: state });
  });

  it('BL-22: keeps how claims stand, one word for many that stand alike, and nothing that no encoder makes', () => {
    const firm = { yieldsTo: 3, isWeak: false, isFresh: false };
    const many = Array.from({ length: 200 }, (_, index) => owned(`192.0.2.${index}`, { term: 3, standing: firm }));
    const text = encodeNodeState({ ...IDLE_NODE_STATE, owned: many });
    expect(JSON.parse(text).standings).to.deep.equal(['0']);
    const read = (standings: unknown) => {
      const state = decodeNodeState(JSON.stringify({ ...JSON.parse(text), standings }));
      return state.ok ? state.value.owned.map(({ standing }) => standing) : state.reason;
    };
    expect(read(['0'])).to.deep.equal(many.map(() => firm));
    // An older speaker tells nothing, and what cannot be read, or goes below term 0, is nothing either.
    for (const broken of [undefined, [], ['0 0'], ['!'], [7], 'x', ['zzzz'], [['0']]])
      expect(read(broken)).to.deep.equal(many.map(() => undefined));
  });

  it('DR-13: leaves out a subnet that cannot be read, and hears the rest', () => {
    const subnets = Array.from({ length: 20 }, (_, index) => prefix(`192.0.${index}.0/24`));
    const segment = { interface: 'lan0', mac: MAC, phase: 'active', members: [], subnets } as const;
    const text = encodeNodeState({ ...IDLE_NODE_STATE, segments: [segment] });
    const read = (changed: string) => {
      const state = decodeNodeState(changed);
      return state.ok ? state.value.segments.map((one) => one.subnets?.map(String)) : state.reason;
    };
    // No more than a person reads.
    expect(read(text)).to.deep.equal([subnets.slice(0, 16).map(String)]);
    expect(read(text.replace('192.0.0.0/24', 'house/24'))).to.deep.equal([subnets.slice(1, 16).map(String)]);
  });

  it('keeps who had a VIP before in the order of its rows, however they were given', () => {
    const numbers = [9, 3, 200, 41];
    const rows = numbers.map((number) =>
      owned(`192.0.2.${number}`, { why: 'orphaned', moved: { from: 'edge-2', cause: 'silent', unansweredMs: number } }),
    );
    const read = decodeNodeState(encodeNodeState({ ...IDLE_NODE_STATE, owned: rows }));
    const told = read.ok ? read.value.owned.map(({ vip, moved }) => [String(vip), moved?.unansweredMs]) : [];
    expect(told).to.deep.equal([3, 9, 41, 200].map((number) => [`192.0.2.${number}`, number]));
  });

  it('reads a cause that only newer speakers know, and leaves a broken one away', () => {
    const text = encodeNodeState({
      ...IDLE_NODE_STATE,
      owned: [owned('192.0.2.9', { moved: { from: 'edge-2', cause: 'silent', unansweredMs: 131 } })],
    });
    const movedIn = (broken: string) => {
      const read = decodeNodeState(broken);
      return read.ok ? read.value.owned[0]?.moved : read.reason;
    };
    expect(movedIn(text.replace('edge-2 silent', 'edge-2 tired'))).to.deep.equal({
      ...{ from: 'edge-2', cause: 'unknown', unansweredMs: 131 },
    });
    expect(movedIn(text.replace('edge-2 silent', 'NO NODE'))).to.equal(undefined);
    expect(movedIn(text.replace('"3n"', '"a b c d"'))).to.deep.equal({
      ...{ from: 'edge-2', cause: 'silent', unansweredMs: undefined },
    });
  });

  it('keeps 5,000 IPv4 VIPs under 80 kB and 5,000 random IPv6 ones under 200 kB', () => {
    const many = (address: (index: number) => string) =>
      Array.from({ length: 5000 }, (_, index) => owned(address(index), { sinceSeconds: 1_800_000_000 + index * 977 }));
    const v4 = encodeNodeState({ ...IDLE_NODE_STATE, owned: many((index) => `198.51.${index >> 8}.${index & 255}`) });
    const v6 = encodeNodeState({ ...IDLE_NODE_STATE, owned: many((index) => randomV6(index)) });
    expect(v4.length).to.be.below(80_000);
    expect(v6.length).to.be.below(200_000);
  });

  it('is cut and says so when it would not fit into an annotation', () => {
    const all = Array.from({ length: 20_000 }, (_, index) => owned(randomV6(index)));
    const text = encodeNodeState({ ...IDLE_NODE_STATE, owned: all });
    expect(text.length).to.be.at.most(MAX_STATE_CHARACTERS);
    const state = decodeNodeState(text);
    if (!state.ok) throw new Error(state.reason);
    expect(state.value.owned.length + state.value.leftOut).to.equal(20_000);
  });

  it('leaves out why VIPs are not announced before anything that it owns', () => {
    const notAnnounced = Array.from({ length: 20_000 }, (_, index) => {
      return { vip: owned(randomV6(index)).vip, why: 'no-segment' as const };
    });
    const text = encodeNodeState({ ...IDLE_NODE_STATE, owned: [owned('192.0.2.7')], notAnnounced });
    expect(text.length).to.be.at.most(MAX_STATE_CHARACTERS);
    const state = decodeNodeState(text);
    if (!state.ok) throw new Error(state.reason);
    expect([state.value.owned.length, state.value.leftOut]).to.deep.equal([1, 0]);
    expect(state.value.notAnnounced.length).to.be.within(5000, 19_999);
  });

  it('tells reasons that it does not know from those it does', () => {
    const text = encodeNodeState({ ...IDLE_NODE_STATE, owned: [owned('192.0.2.7')] }).replace('"new"', '"bought"');
    const state = decodeNodeState(text);
    expect(state.ok && state.value.owned[0]?.why).to.equal('unknown');
  });

  for (const { name, text } of [
    { name: 'no JSON', text: '{' },
    { name: 'another version', text: encodeNodeState(IDLE_NODE_STATE).replace('"v":1', '"v":2') },
    { name: 'a boot id of another shape', text: encodeNodeState(IDLE_NODE_STATE).replace('0123', 'x') },
    { name: 'a list of VIPs with a word in it', text: withOwned('1.1.1 house!.1.1') },
    { name: 'a VIP outside its family', text: withOwned('zzzzzzzzz.1.1') },
    { name: 'a row with a number too many', text: withOwned('1.1.1.1') },
    { name: 'a row with a number too few', text: withOwned('1.1') },
    { name: 'more than 256 KiB', text: `${' '.repeat(256 * 1024)}${encodeNodeState(IDLE_NODE_STATE)}` },
  ]) {
    it(`refuses ${name}`, () => {
      expect(decodeNodeState(text).ok).to.equal(false);
    });
  }

  it('never throws, whatever stands in the annotation', () => {
    const valid = encodeNodeState({ ...IDLE_NODE_STATE, owned: [owned('192.0.2.7')] });
    const keys = fc.constantFrom('v', 'bootId', 'segments', 'owned', 'conflicts', 'orders', 'leftOut', 'unreachable');
    return fc.assert(
      fc.property(keys, fc.jsonValue(), fc.nat(valid.length), (key, value, cut) => {
        decodeNodeState(JSON.stringify({ ...JSON.parse(valid), [key]: value }));
        decodeNodeState(valid.slice(0, cut));
      }),
    );
  });
});

describe('node health as text', () => {
  it('comes back in whole milliseconds', () => {
    expect(decodeNodeHealth(encodeNodeHealth({ latestMs: 3.4, lapses: 2 }))).to.deep.equal({ latestMs: 3, lapses: 2 });
  });

  it('CL-17: tells when the last lapses were, no more of them than are read', () => {
    const lapsedSeconds = Array.from({ length: 20 }, (_, index) => index);
    const read = decodeNodeHealth(encodeNodeHealth({ latestMs: 3, lapses: 20, lapsedSeconds }));
    expect(read).to.deep.equal({ latestMs: 3, lapses: 20, lapsedSeconds: lapsedSeconds.slice(4) });
    expect(decodeNodeHealth('{"latestMs":1,"lapses":1,"lapsed":["x"]}')).to.deep.equal({ latestMs: 1, lapses: 1 });
  });

  it('is unknown when it is missing or of another shape', () => {
    for (const text of [undefined, '', '[]', '{"latestMs":-1,"lapses":0}'])
      expect(decodeNodeHealth(text)).to.equal(undefined);
  });
});

describe('names of a node', () => {
  it('go into a Lease and a label, cut with a digest where they are too long', () => {
    const long = 'a'.repeat(253);
    expect(nodeLeaseName('edge-1')).to.equal('node-edge-1');
    expect(nodeLeaseName(long)).to.have.length(253);
    expect(nodeLabelValue('edge-1')).to.equal('edge-1');
    expect(nodeLabelValue(long)).to.have.length(63);
    expect(nodeLabelValue(long)).not.to.equal(nodeLabelValue(`${long.slice(1)}b`));
  });
});

describe('times of a state', () => {
  it('are never later than a Date can tell, whatever somebody wrote', () => {
    const read = decodeNodeState(withOwned('1.1.zzzzzzzzzz'));
    expect(read.ok && read.value.owned[0]?.sinceSeconds).to.equal(Date.UTC(9999, 11, 31, 23, 59, 59) / 1000);
    const late = [['lan0', 'new', 'IPv4', Date.UTC(10_000, 0, 1) / 1000, '1.1.0']];
    const text = JSON.stringify({ ...JSON.parse(encodeNodeState(IDLE_NODE_STATE)), owned: late });
    expect(decodeNodeState(text)).to.deep.equal({ ok: false, reason: 'node state: owned has another shape' });
  });
});

// Values of class IpAddress remember their text once it was asked for.
function decoded(text: string): unknown {
  const state = decodeNodeState(text);
  if (state.ok) for (const { vip } of [...state.value.owned, ...state.value.notAnnounced]) String(vip);
  return state;
}

function withOwned(rows: string): string {
  return JSON.stringify({ ...JSON.parse(encodeNodeState(IDLE_NODE_STATE)), owned: [['lan0', 'new', 'IPv4', 0, rows]] });
}

function owned(vip: string, changes: Partial<OwnedState> = {}): OwnedState {
  return { vip: ip(vip), interface: 'lan0', term: 1, sinceSeconds: 1_800_000_000, why: 'new', ...changes };
}

function randomV6(index: number): string {
  let seed = index + 1;
  const field = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 16).toString(16);
  };
  return ['2001', 'db8', field(), field(), field(), field(), field(), field()].join(':');
}
