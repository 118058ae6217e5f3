// SPDX-License-Identifier: Apache-2.0
import {
  type AddressConflict,
  IpAddress,
  MacAddress,
  type NodeReport,
  type NodeState,
  type UnreachableVip,
} from '@berth/core';
import { expect } from 'chai';
import { ReachIndex } from './reach-index.ts';

const VIP = IpAddress.of('IPv4', 0xc0000214n);
const MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 0x99)) ?? MacAddress.ZERO;
const CLAIM = { node: 'edge-1', interface: 'eth0', term: 1, sinceSeconds: 5 };
const COMPLAINT: UnreachableVip = { vip: VIP, interface: 'eth0', why: 'no-answer', macs: [], sinceSeconds: 7 };
const STRANGER: AddressConflict = { vip: VIP, interface: 'eth0', mac: MAC, sinceSeconds: 7, kind: 'in-use' };

describe('ReachIndex', () => {
  let reports: Map<string, NodeReport>;
  let index: ReachIndex;

  beforeEach(() => {
    reports = new Map();
    index = new ReachIndex(() => reports);
  });

  /** Takes over another report of a node that hears edge-1; returns what was touched. */
  function says(node: string, state: Partial<NodeState>, freshness: NodeReport['freshness'] = 'fresh'): string[] {
    const heard = { interface: 'eth0', mac: MAC, phase: 'active', members: [{ node: 'edge-1', hearing: 'both' }] };
    const whole = { segments: [heard], unreachable: [], conflicts: [], ...state } as unknown as NodeState;
    const before = reports.get(node);
    const after: NodeReport = { node, state: whole, problem: undefined, freshness };
    reports.set(node, after);
    return [...index.take({ node, before, after })];
  }

  it('tells of which VIPs something else is said', () => {
    expect(says('edge-2', { testedSeconds: 9 })).to.deep.equal([]);
    expect(says('edge-2', { unreachable: [COMPLAINT] })).to.deep.equal([String(VIP)]);
    expect(says('edge-2', { unreachable: [COMPLAINT], testedSeconds: 40 })).to.deep.equal([]);
    expect(says('edge-2', {})).to.deep.equal([String(VIP)]);
  });

  it('gathers what all nodes say, strangers of VIPs in use among it', () => {
    says('edge-1', { conflicts: [STRANGER, { ...STRANGER, kind: 'before-use' }] });
    says('edge-2', { unreachable: [COMPLAINT] });
    const { complaints, strangers } = index.factsOf(VIP, [CLAIM]);
    expect(complaints.map(({ node }) => node)).to.deep.equal(['edge-2']);
    expect(strangers.map(({ node }) => node)).to.deep.equal(['edge-1']);
  });

  it('takes no word of a node that fell silent', () => {
    says('edge-2', { unreachable: [COMPLAINT], testedSeconds: 9 });
    expect(says('edge-2', { unreachable: [COMPLAINT], testedSeconds: 9 }, 'stale')).to.deep.equal([String(VIP)]);
    const { complaints, tested } = index.factsOf(VIP, [CLAIM]);
    expect([complaints.length, tested.length]).to.deep.equal([0, 0]);
  });

  it('counts the tests of those who hear the owner, and of none whose Lease may be old', () => {
    says('edge-1', { testedSeconds: 9 });
    says('edge-2', { testedSeconds: 9 });
    says('edge-3', { testedSeconds: 9 }, 'unproven');
    says('far-1', { segments: [], testedSeconds: 9 });
    expect(index.factsOf(VIP, [CLAIM]).tested).to.deep.equal([9, undefined]);
  });
});
