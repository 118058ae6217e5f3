// SPDX-License-Identifier: Apache-2.0
import type { IpAddress } from '@berth/core';
import { expect } from 'chai';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { Segment } from '../layer2/segments.ts';
import { ip, mac } from '../testing.ts';
import type { ClearanceState, Urgency } from './clearance-entry.ts';
import { FirstUse, type WiredSegment } from './first-use.ts';

const LAN: Segment = { ifindex: 2, ifname: 'eth0', mac: mac(2), families: ['IPv4'] };
const OTHER: Segment = { ifindex: 3, ifname: 'eth1', mac: mac(3), families: ['IPv4'] };
const VIP = ip('192.0.2.20');

describe('FirstUse', () => {
  let terms: Map<string, number>;
  let states: Map<string, ClearanceState>;
  let asked: string[];
  let interfaces: string[];
  let firstUse: FirstUse;

  beforeEach(() => {
    terms = new Map([[String(VIP), 1]]);
    states = new Map();
    asked = [];
    interfaces = ['eth0'];
    firstUse = new FirstUse({
      memberships: {
        open: () => {},
        close: () => {},
        want: () => {},
        answeringChanged: () => {},
        owned: () => (terms.size > 0 ? [{ vip: VIP, services: ['shop/web'], interfaces }] : []),
      },
      joined: () => [LAN, OTHER].map(wired),
      clearance: {
        ask: (vip: IpAddress, { ifname }: Segment, urgency: Urgency) => asked.push(`${vip} ${ifname} ${urgency}`),
        stateOf: (_vip: IpAddress, ifindex: number) => states.get(String(ifindex)) ?? 'unknown',
      },
    });
    firstUse.want([wanted()], []);
  });

  // The claims are all that is looked at.
  function wired(segment: Segment): WiredSegment {
    const claims = new Map([...terms].map(([key, term]) => [key, { vip: VIP, term, sinceMs: 0 }]));
    return { segment, loop: { state: { claims } } } as unknown as WiredSegment;
  }

  function wanted(changes: Partial<WantedVip> = {}): WantedVip {
    return { service: 'shop/web', vip: VIP, policies: [], wasAnnounced: false, ...changes };
  }

  function answered(): string[] {
    return firstUse.owned().flatMap((one) => one.interfaces ?? []);
  }

  it('GR-07: keeps a VIP that was never used back until it is clear', () => {
    expect(answered()).to.deep.equal([]);
    expect(firstUse.waiting).to.deep.equal([{ vip: VIP, why: 'probing' }]);
    expect(asked).to.deep.equal([`${VIP} eth0 at-need`]);
    expect(firstUse.hasAnswered(VIP)).to.equal(false);
    states.set('2', 'clear');
    expect(answered()).to.deep.equal(['eth0']);
    expect(firstUse.waiting).to.deep.equal([]);
    expect(firstUse.hasAnswered(VIP)).to.equal(true);
  });

  it('GR-07: keeps a VIP back that a stranger uses', () => {
    states.set('2', 'conflict');
    expect(answered()).to.deep.equal([]);
    expect(firstUse.waiting).to.deep.equal([{ vip: VIP, why: 'conflict' }]);
  });

  it('answers on the interfaces where it is clear', () => {
    interfaces = ['eth0', 'eth1'];
    states.set('3', 'clear');
    expect(answered()).to.deep.equal(['eth1']);
  });

  it('GR-07: lets a VIP through that another node owned before, by failover or hand-over', () => {
    terms.set(String(VIP), 2);
    states.set('2', 'conflict');
    expect(answered()).to.deep.equal(['eth0']);
    expect(asked).to.deep.equal([]);
  });

  it('lets a VIP through that was announced before everybody started anew', () => {
    firstUse.want([wanted({ service: 'shop/other' }), wanted({ wasAnnounced: true })], []);
    expect(answered()).to.deep.equal(['eth0']);
    expect(asked).to.deep.equal([]);
  });

  it('does not stop to answer for a VIP in use, and not when a segment begins anew', () => {
    states.set('2', 'clear');
    answered();
    states.set('2', 'conflict');
    expect(answered()).to.deep.equal(['eth0']);
  });

  it('takes a VIP for new again when the cluster did not want it meanwhile', () => {
    states.set('2', 'clear');
    answered();
    states.clear();
    const before = new Map(terms);
    terms.clear();
    firstUse.want([], []);
    answered();
    terms = before;
    firstUse.want([wanted()], []);
    expect(answered()).to.deep.equal([]);
  });
});
