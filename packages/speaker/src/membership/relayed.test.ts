// SPDX-License-Identifier: Apache-2.0
import { type Heartbeat, initialMembership, type MembershipState, stepMembership, timingOf } from '@berth/core';
import { expect } from 'chai';
import { mac } from '../testing.ts';
import { heardElsewhere } from './relayed.ts';

const PEER = '00000000000000b0';
const OWN = '00000000000000a0';
const NOW_MS = 1000;

function segment(port: number): MembershipState {
  const timing = timingOf();
  if (!timing.ok) throw new Error(timing.problems.join());
  return initialMembership({ self: { node: 'edge-1', bootId: OWN, port, mac: mac(port) }, timing: timing.timing }, 0);
}

/** A segment on which the peer is heard by its second interface. */
function hearing(counter: number): MembershipState {
  const heartbeat: Heartbeat = {
    ...{ clusterId: '0000000000000001', keyId: 1, newestKeyId: 1, bootId: PEER, counter, port: 2, mac: mac(12) },
    ...{ node: 'edge-2', phase: 'active' as const, fitness: 'fit' as const, intervalMs: 25, deadAfterMs: 200 },
    ...{ claimsVersion: 1, viewVersion: 1, claimCount: 0, wants: [OWN] },
  };
  return stepMembership(segment(2), { type: 'frame', heartbeat }, NOW_MS).state;
}

describe('heardElsewhere', () => {
  const sender = { bootId: PEER, counter: 1000, port: 1, mac: mac(11) };
  const rows: { name: string; sender: typeof sender; others: MembershipState[]; found: string | undefined }[] = [
    { name: 'lets an interface of its own pass', sender, others: [hearing(1001)], found: undefined },
    {
      name: 'RP-04: finds the interface of a member of another segment',
      sender: { ...sender, port: 2, mac: mac(12) },
      others: [hearing(1001)],
      found: 'relayed',
    },
    {
      name: 'RP-04: finds a frame that was recorded on another segment',
      sender,
      others: [hearing(1064)],
      found: 'replayed',
    },
    { name: 'lets pass who is heard nowhere else', sender, others: [segment(2)], found: undefined },
    {
      name: 'does not go by a segment that makes way for this one',
      sender: { ...sender, port: 2, mac: mac(12) },
      others: [{ ...hearing(1001), blockedUntilMs: NOW_MS + 1 }],
      found: undefined,
    },
  ];
  for (const row of rows)
    it(row.name, () => {
      expect(heardElsewhere(row.sender, segment(1), row.others, NOW_MS)).to.equal(row.found);
    });

  it('leaves members of this segment to it', () => {
    expect(heardElsewhere({ ...sender, port: 2, mac: mac(12) }, hearing(5), [hearing(2000)], NOW_MS)).to.equal(
      undefined,
    );
  });
});
