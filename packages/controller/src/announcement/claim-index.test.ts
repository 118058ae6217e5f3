// SPDX-License-Identifier: Apache-2.0
import { IpAddress, MacAddress, type MemberState, type NodeReport, type NodeState } from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import { expect } from 'chai';
import type { NodeStateChange } from '../cluster/node-states.ts';
import { ClaimIndex } from './claim-index.ts';

const VIP = IpAddress.of('IPv4', 0xc0000207n);

describe('ClaimIndex', () => {
  it('BL-05: has the VIPs of a node judged anew when another one does not hear it, and when it does again', () => {
    const index = new ClaimIndex();
    const owned = [{ vip: VIP, interface: 'lan0', term: 1, sinceSeconds: 0, why: 'new' }] as const;
    index.take(change('a', undefined, report({ ...hears('b', 'both'), owned })));
    const [both, lost] = [report(hears('a', 'both')), report(hears('a', 'lost'))];
    index.take(change('b', undefined, both));
    expect([...index.take(change('b', both, lost))]).to.deep.equal(['192.0.2.7']);
    expect(index.contactsOf(index.claimsOn('192.0.2.7')).map(({ kind }) => kind)).to.deep.equal(['HeartbeatsLost']);
    expect([...index.take(change('b', lost, both))]).to.deep.equal(['192.0.2.7']);
    expect(index.contactsOf(index.claimsOn('192.0.2.7'))).to.deep.equal([]);
  });
});

function hears(node: string, hearing: MemberState['hearing']): NodeState {
  const segment = { interface: 'lan0', mac: MacAddress.ZERO, phase: 'active' as const, members: [{ node, hearing }] };
  return { ...IDLE_NODE_STATE, segments: [segment] };
}

function report(state: NodeState): NodeReport {
  return { state, freshness: 'fresh' } as NodeReport;
}

function change(node: string, before: NodeReport | undefined, after: NodeReport): NodeStateChange {
  return { node, before, after };
}
