// SPDX-License-Identifier: Apache-2.0
import { initialMembership, type MembershipState, timingOf } from '@berth/core';
import { expect } from 'chai';
import { ip, mac } from '../testing.ts';
import { DemandGroups, type Groups, type Listening, MOST_VIPS } from './demand-groups.ts';

function listening(ifindex: number, vips: readonly string[], cutOff: 'yes' | 'no'): Listening {
  const timing = timingOf();
  if (!timing.ok) throw new Error(timing.problems.join());
  const self = { node: 'edge-1', bootId: '0000000000000001', port: 1, mac: mac(1) };
  const state = initialMembership({ self, timing: timing.timing }, 0);
  const desired: MembershipState['desired'] = new Map(vips.map((vip) => [vip, { vip: ip(vip), candidates: [] }]));
  const company = { ...state.company, cutOffSinceMs: cutOff === 'yes' ? 5 : undefined };
  return { segment: { ifindex }, loop: { state: { ...state, desired, company } } };
}

describe('DemandGroups', () => {
  let attached: Set<number>;
  let rows: string[];
  let groups: DemandGroups;

  beforeEach(() => {
    attached = new Set();
    rows = [];
    const fake: Groups = {
      attach: (ifindex) => void attached.add(ifindex),
      detach: (ifindex) => void attached.delete(ifindex),
      replace: (all) => {
        rows = all.map(({ vip, ifindexes }) => `${vip} ${ifindexes}`);
      },
    };
    groups = new DemandGroups(fake);
  });

  it('WT-08: is a member for the IPv6 VIPs of the segments on which the node is cut off, as long as it is', () => {
    const here = listening(4, ['203.0.113.20', '2001:db8::20'], 'yes');
    groups.follow([here, listening(5, ['2001:db8::21'], 'no')]);
    expect([[...attached], rows]).to.deep.equal([[4], ['2001:db8::20 4']]);
    groups.follow([listening(4, ['2001:db8::20'], 'no')]);
    expect([[...attached], rows]).to.deep.equal([[], []]);
  });

  it('WT-08: is a member for a VIP that comes while the node is cut off, and not for one that goes', () => {
    groups.follow([listening(4, ['2001:db8::20'], 'yes')]);
    groups.follow([listening(4, ['2001:db8::21'], 'yes')]);
    expect([[...attached], rows]).to.deep.equal([[4], ['2001:db8::21 4']]);
    // The interface went, and its segment with it.
    groups.follow([]);
    expect([[...attached], rows]).to.deep.equal([[], []]);
  });

  it('WT-08: joins no more than a bounded number of groups', () => {
    const many = Array.from({ length: MOST_VIPS + 9 }, (_, index) => `2001:db8::${(index + 1).toString(16)}`);
    groups.follow([listening(4, many, 'yes')]);
    expect(rows).to.have.length(MOST_VIPS);
  });
});
