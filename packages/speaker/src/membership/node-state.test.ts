// SPDX-License-Identifier: Apache-2.0
import { initialMembership, type MembershipState, timingOf } from '@berth/core';
import { expect } from 'chai';
import { ip, mac } from '../testing.ts';
import { nodeStateOf, segmentStateOf } from './node-state.ts';

const SEGMENT = { ifname: 'eth0', mac: mac(1) };

function state(changes: Partial<MembershipState> = {}): MembershipState {
  const timing = timingOf();
  if (!timing.ok) throw new Error(timing.problems.join());
  const self = { node: 'edge-1', bootId: '0000000000000001', port: 2, mac: mac(1) };
  return { ...initialMembership({ self, timing: timing.timing }, 0), ...changes };
}

describe('nodeStateOf', () => {
  it('BL-22: tells how its claims stand', () => {
    const vip = ip('192.0.2.7');
    const claims = new Map([[String(vip), { vip, term: 4, yieldsTo: 3, isWeak: true, sinceMs: 0 }]]);
    const answer = { vip, since: new Date(1_800_000_000_000), why: 'orphaned', after: undefined } as const;
    const loop = { state: state({ claims }), answerOf: () => answer, signingKeyId: 1 };
    const { owned } = nodeStateOf(
      {
        ...{ bootId: '0000000000000001', engine: 'tcx', transport: 'multicast', newestKeyId: 1, ineligible: '' },
        ...{ fitness: 'fit', conflicts: [], unreachable: [], notAnnounced: [], orders: [] },
        ...{ testedSeconds: undefined, check: undefined, isLeaking: () => false, isOutside: () => false },
        answerOn: () => 'engine',
        joined: [{ segment: { ...SEGMENT, ifindex: 2 }, loop }],
        served: [{ vip, services: ['shop/web'], interfaces: ['eth0'] }],
      },
      0,
    );
    expect(owned.map(({ standing }) => standing)).to.deep.equal([{ yieldsTo: 3, isWeak: true, isFresh: false }]);
  });
});

describe('segmentStateOf', () => {
  const member = (node: string, answeringSinceMs?: number) =>
    ({ node, deafSinceMs: undefined, answeringSinceMs }) as MembershipState['members'][number];

  it('BL-05: tells whose heartbeats are lost while it answers', () => {
    const { members } = segmentStateOf(SEGMENT, state({ members: [member('edge-3', 5), member('edge-2')] }), 10);
    expect(members).to.deep.equal([
      { node: 'edge-2', hearing: 'both' },
      { node: 'edge-3', hearing: 'lost' },
    ]);
  });

  it('BL-06: tells that this node is cut off, and nothing of it while it is not', () => {
    const { company } = state();
    const cutOff = state({ company: { ...company, cutOffSinceMs: 5 } });
    expect(segmentStateOf(SEGMENT, cutOff, 10).contact).to.equal('cut-off');
    expect(segmentStateOf(SEGMENT, state(), 10)).not.to.have.property('contact');
  });
});
