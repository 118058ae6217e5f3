// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { MacAddress } from '../net/mac-address.ts';
import { ip } from '../net/testing.ts';
import type { ServeState, SpreadSections, WireSet } from '../wire/spread-message.ts';
import { listsInForce } from './lists-in-force.ts';
import type { SpreadEvent } from './spread-event.ts';
import { nodeIdOf } from './spread-rows.ts';
import { initialSpread, NO_FLOWS, type SpreadState, setInForce } from './spread-state.ts';
import { stepSpread } from './step-spread.ts';

const VIP = '203.0.113.20';
const [OWNER, OWN] = ['00000000000000aa', '00000000000000bb'];
const GONE = nodeIdOf('node-3');
const NOW_MS = 1_000;

function mac(last: number): MacAddress {
  const made = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, last));
  if (!made) throw new Error('no MAC address');
  return made;
}

/** A node that takes part and hears the owner, by whom the VIP is owned or not, and all of these events after it. */
function after(owner: string | undefined, ...events: readonly SpreadEvent[]): SpreadState {
  const self = initialSpread({ node: 'node-2', bootId: OWN, mac: mac(2) });
  const first: readonly SpreadEvent[] = [
    { type: 'flows', flows: NO_FLOWS },
    { type: 'fellows', fellows: [{ bootId: OWNER, node: 'node-1', mac: mac(1) }] },
    owned(owner),
  ];
  return [...first, ...events].reduce((state, event) => stepSpread(state, event, NOW_MS).state, self);
}

function owned(owner: string | undefined): SpreadEvent {
  return { type: 'vips', vips: [{ vip: ip(VIP), serve: 'every-node', by: 'flow', weight: 1, owner }] };
}

function heard(sections: SpreadSections): SpreadEvent {
  return { type: 'heard', from: OWNER, sections };
}

const DIGEST = heard({ digest: { serves: 1, sets: 1, strays: 1, has: [] } });
const SERVES = heard({ serves: { version: 1, index: 0, total: 1, entries: [] } });

/** The set of the owner and of a node that this one never heard. */
function sets(version: number, state: ServeState): SpreadEvent {
  const serving = { state: 'serving', weight: 1 } as const;
  const members: WireSet['members'] = [
    { id: nodeIdOf('node-1'), mac: mac(1), committed: serving, pending: undefined },
    { id: GONE, mac: mac(3), committed: { state, weight: 1 }, pending: undefined },
  ];
  const set: WireSet = { version, by: 'flow', pendingBy: undefined, members, vips: [ip(VIP)] };
  return heard({ sets: { version, index: 0, total: 1, entries: [set] } });
}

const STRAYS = heard({
  strays: { version: 1, index: 0, total: 1, holder: GONE, fingerprints: BigUint64Array.of(5n) },
});

describe('hearSpread', () => {
  it('EN-50: goes by no set of a speaker that is not known to own the VIP, and does not say so', () => {
    for (const owner of [undefined, 'another']) {
      const state = after(owner, DIGEST, SERVES, sets(4, 'serving'));
      expect(setInForce(state, VIP, NOW_MS), owner).to.equal(undefined);
      expect(listsInForce(state, NOW_MS).get(OWNER), owner).to.equal(undefined);
    }
    const state = after(undefined, DIGEST, SERVES, sets(4, 'serving'), owned(OWNER));
    expect(setInForce(state, VIP, NOW_MS)?.version).to.equal(4);
    expect(listsInForce(state, NOW_MS).get(OWNER)?.version).to.equal(4);
  });

  it('EN-53: a list that was late on its way takes nothing back', () => {
    const state = after(OWNER, DIGEST, SERVES, sets(5, 'silent'), sets(4, 'serving'));
    expect(setInForce(state, VIP, NOW_MS)?.version).to.equal(5);
  });

  it('EN-54: learns of a node that is away by its strays and the set that names it, in any order', () => {
    for (const events of [
      [sets(4, 'away'), STRAYS],
      [STRAYS, sets(4, 'away')],
    ]) {
      const { away } = after(OWNER, DIGEST, SERVES, ...events);
      expect([...(away.get(GONE)?.strays ?? [])]).to.deep.equal([5n]);
    }
    const late = after(undefined, DIGEST, SERVES, sets(4, 'away'), STRAYS, owned(OWNER));
    expect(late.away.has(GONE), 'the owner is known last').to.equal(true);
  });

  it('EN-54: a node that is silent is none that is away: whoever owns the VIP next asks it, with the strays that were told', () => {
    const before = [DIGEST, SERVES, sets(4, 'silent'), STRAYS];
    expect(after(OWNER, ...before).away.size).to.equal(0);
    const { unheard } = after(OWNER, ...before, owned(OWN));
    expect([...(unheard.get(GONE)?.strays ?? [])]).to.deep.equal([5n]);
  });
});
