// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import * as fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { decodeNodeHealth, decodeNodeState } from './decode.ts';
import { encodeNodeHealth, encodeNodeState, MAX_STATE_CHARACTERS } from './encode.ts';
import { type NodeState, nodeLabelValue, nodeLeaseName, type OwnedState } from './node-state.ts';
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
            { node: 'edge-2', hearing: 'both' },
            { node: 'edge-3', hearing: 'one-way' },
          ],
        },
        { interface: 'lan1', mac: MAC, phase: 'listening', members: [] },
      ],
      owned: [
        owned('192.0.2.7', { term: 3, sinceSeconds: 1_800_000_005 }),
        owned('192.0.2.9', { sinceSeconds: 1_800_000_000 }),
        owned('2001:db8::7', { why: 'orphaned' }),
        owned('192.0.2.7', { interface: 'lan1' }),
      ],
      conflicts: [{ vip: ip('192.0.2.8'), interface: 'lan0', mac: MAC, sinceSeconds: 17, kind: 'before-use' }],
      unreachable: [{ vip: ip('192.0.2.8'), interface: 'lan0', why: 'wrong-answer', macs: [MAC], sinceSeconds: 17 }],
      notAnnounced: [{ vip: ip('192.0.2.10'), why: 'probing' }],
      orders: [
        { id: 'a1', outcome: 'done', why: undefined },
        { id: 'a2', outcome: 'refused', why: 'not-heard' },
      ],
      testedSeconds: 1_800_000_000,
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

function ip(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (!address.ok) throw new Error(address.reason);
  String(address.value);
  return address.value;
}
