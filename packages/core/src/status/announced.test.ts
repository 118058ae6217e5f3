// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ANNOUNCE_EVERYTHING } from '../config/advertisement.ts';
import { IpAddress } from '../net/ip-address.ts';
import { announcedFinding, type NodeObstacle, type VipFacts } from './announced.ts';

const V4 = IpAddress.of('IPv4', 0xc0000207n);
const V6 = IpAddress.of('IPv6', 0x20010db8000500000000000000000007n);
const SINCE = Date.UTC(2026, 10, 24, 11, 20, 5) / 1000;

const EXCLUDED =
  'excluded by the label node.kubernetes.io/exclude-from-external-load-balancers' +
  ' (remove it, or start the speakers with --exclude-label=ignore)';

describe('announcedFinding', () => {
  it('ST-07: names node, interfaces and time for each address', () => {
    const finding = announcedFinding([
      facts({ claims: [claim('edge-1', 'lan0'), claim('edge-1', 'lan1')] }),
      facts({ vip: V6, claims: [claim('edge-2', 'lan0')] }),
    ]);
    expect(finding).to.include({
      status: 'True',
      reason: 'Announced',
      message:
        '192.0.2.7 from edge-1 on lan0 and lan1 since 2026-11-24T11:20:05Z; ' +
        '2001:db8:5::7 from edge-2 on lan0 since 2026-11-24T11:20:05Z',
    });
  });

  it('BL-05: stays True and says so while heartbeats are lost and the owner answers', () => {
    const lost = {
      kind: 'HeartbeatsLost',
      node: 'edge-1',
      interface: 'lan0',
      unheardBy: ['edge-3', 'edge-2'],
    } as const;
    const finding = announcedFinding([
      facts({ vip: V6, claims: [claim('edge-2', 'lan0')] }),
      facts({ claims: [claim('edge-1', 'lan0')], contacts: [lost] }),
    ]);
    expect([finding.status, finding.reason]).to.deep.equal(['True', 'HeartbeatsLost']);
    expect(finding.message).to.match(/Z, heartbeats of edge-1 are lost on the way to edge-2 edge-3, but it answers$/);
    expect(finding.announced.map(String)).to.deep.equal(['2001:db8:5::7', '192.0.2.7']);
  });

  it('BL-06: says that the owner is cut off, and tells first of an address that nobody answers for', () => {
    const cutOff = { kind: 'CutOff', node: 'edge-1', interface: 'lan0' } as const;
    const own = facts({ claims: [claim('edge-1', 'lan0')], contacts: [cutOff] });
    expect(announcedFinding([own])).to.include({ status: 'True', reason: 'CutOff' });
    expect(announcedFinding([own, facts({ vip: V6 })])).to.include({ status: 'False', reason: 'NotHeard' });
  });

  it('WT-09: is not all well where the owner does not reach nodes of its subnet, and names them', () => {
    const loss = { kind: 'NodesNotReached', node: 'edge-1', interface: 'lan0', notReached: ['edge-2'] } as const;
    const finding = announcedFinding([facts({ claims: [claim('edge-1', 'lan0')], contacts: [loss] })]);
    expect(finding).to.include({ status: 'True', reason: 'NodesNotReached' });
    expect(finding.message).to.include('edge-1 reaches edge-2 in no way on lan0');
  });

  it('AT-10: is not all well where the owner has no subnet that the VIP lies in, and names what clients need', () => {
    const outside = { ...claim('edge-1', 'lan0'), isOutside: true };
    const fine = facts({ vip: V6, claims: [claim('edge-2', 'lan0')] });
    const finding = announcedFinding([fine, facts({ claims: [outside] })]);
    expect(finding.status).to.equal('True');
    expect(finding.reason).to.equal('OutsideSubnet');
    expect(finding.message).to.include('192.0.2.7 from edge-1 on lan0 since 2026-11-24T11:20:05Z, in no subnet');
    expect(finding.announced.map(String)).to.deep.equal(['2001:db8:5::7', '192.0.2.7']);
    const both = announcedFinding([facts({ claims: [outside, claim('edge-2', 'lan0')] })]);
    expect(both.reason).to.equal('Announced');
  });

  it('names both owners of a split segment', () => {
    const { message } = announcedFinding([facts({ claims: [claim('edge-1', 'lan0'), claim('edge-2', 'lan0')] })]);
    expect(message).to.include('from edge-1 on lan0').and.to.include('and from edge-2 on lan0');
  });

  const rows: { name: string; nodes: NodeObstacle[]; reason: string; message: string }[] = [
    { name: 'no speaker runs', nodes: [], reason: 'NotHeard', message: 'no speaker reports' },
    {
      name: 'nodes that could have said nothing yet',
      nodes: [at('edge-1', undefined), at('edge-2', 'no-interface')],
      reason: 'NotHeard',
      message: 'no node has said that it answers for it',
    },
    {
      name: 'it is being probed',
      nodes: [at('edge-1', 'probing'), at('edge-2', undefined)],
      reason: 'ProbingAddress',
      message: 'edge-1 asks whether somebody uses it',
    },
    {
      name: 'a stranger uses it',
      nodes: [at('edge-1', 'conflict'), at('edge-2', 'not-selected')],
      reason: 'AddressConflict',
      message: 'edge-1 found that somebody else uses it',
    },
    {
      name: 'the policy names an interface that no node has',
      nodes: [at('edge-1', 'no-interface'), at('edge-2', 'no-interface')],
      reason: 'NoInterface',
      message: 'edge-1 edge-2: no interface that the policy names',
    },
    {
      name: 'no node has an endpoint',
      nodes: [at('edge-1', 'no-endpoint'), at('edge-2', 'not-eligible', 'drained')],
      reason: 'NoEndpoints',
      message: 'edge-1: no usable endpoint of the Service, edge-2: drained',
    },
    {
      name: 'no node may own it',
      nodes: [at('edge-1', 'not-selected'), at('edge-2', 'not-eligible', 'excluded-by-label')],
      reason: 'NoEligibleNode',
      message: `edge-1: selected by no policy, edge-2: ${EXCLUDED}`,
    },
    {
      name: 'NN-06: all nodes have the label that excludes them',
      nodes: ['edge-1', 'edge-2'].map((name) => at(name, 'not-eligible', 'excluded-by-label')),
      reason: 'NoEligibleNode',
      message: `edge-1 edge-2: ${EXCLUDED}`,
    },
  ];
  for (const { name, nodes, reason, message } of rows) {
    it(`ST-07: is False with a reason and a sentence: ${name}`, () => {
      const finding = announcedFinding([facts({ obstacles: () => nodes })]);
      expect(finding).to.include({ status: 'False', reason, message: `192.0.2.7 from no one: ${message}` });
    });
  }

  it('is False when one of two addresses is not announced, and still names who announces the other', () => {
    const finding = announcedFinding([facts({ claims: [claim('edge-1', 'lan0')] }), facts({ vip: V6 })]);
    expect(finding).to.include({ status: 'False', reason: 'NotHeard' });
    expect(finding.message).to.include('192.0.2.7 from edge-1').and.to.include('2001:db8:5::7 from no one');
  });

  it('tells that no policy speaks of the Service', () => {
    const policies = { announced: false, reason: 'NoAdvertisement', message: 'no policy' } as const;
    expect(announcedFinding([facts({ policies })])).to.include({ status: 'False', reason: 'NoAdvertisement' });
  });

  it('tells that there is no address', () => {
    expect(announcedFinding([])).to.include({ status: 'False', reason: 'NoAddress' });
  });

  it('names a few of many nodes', () => {
    const nodes = Array.from({ length: 200 }, (_, index) => at(`edge-${index}`, 'not-selected'));
    const { message } = announcedFinding([facts({ obstacles: () => nodes })]);
    expect(message).to.include('and 190 more');
  });
});

describe('the addresses that somebody answers for', () => {
  const owned = facts({ claims: [claim('edge-1', 'lan0'), claim('edge-1', 'lan1'), claim('edge-2', 'lan0')] });
  const second = facts({ vip: V6, claims: [claim('nobody', 'on')] });
  const probed = facts({ vip: V6, obstacles: () => [at('edge-1', 'probing')] });
  const rows: { name: string; addresses: VipFacts[]; announced: IpAddress[] }[] = [
    { name: 'of one address', addresses: [owned], announced: [V4] },
    { name: 'of two addresses', addresses: [owned, second], announced: [V4, V6] },
    { name: 'of two addresses, the second of which no one answers for', addresses: [owned, probed], announced: [V4] },
    { name: 'of two addresses, the first of which no one answers for', addresses: [probed, owned], announced: [V4] },
    { name: 'of no address', addresses: [], announced: [] },
  ];
  for (const { name, addresses, announced } of rows) {
    it(`are part of the finding on a Service ${name}`, () => {
      expect(announcedFinding(addresses).announced.map(String)).to.deep.equal(announced.map(String));
    });
  }

  it('OW-02: an address of a node is none of them, and the finding names the node', () => {
    const { announced, ...finding } = announcedFinding([facts({ node: 'edge-7' })]);
    expect([announced.length, finding.reason]).to.deep.equal([0, 'NodeAddress']);
    expect(finding.message).to.include('address of node edge-7');
    const found = announcedFinding([
      facts({ obstacles: () => [at('edge-1', 'own-address'), at('edge-2', undefined)] }),
    ]);
    expect([found.reason, found.message.includes('edge-1')]).to.deep.equal(['NodeAddress', true]);
  });
});

function facts(changes: Partial<VipFacts>): VipFacts {
  return {
    vip: V4,
    policies: { announced: true, advertisements: [ANNOUNCE_EVERYTHING] },
    claims: [],
    obstacles: () => [],
    ...changes,
  };
}

function claim(node: string, ifname: string) {
  return { node, interface: ifname, term: 1, sinceSeconds: SINCE };
}

function at(node: string, why: NodeObstacle['why'], ineligible = ''): NodeObstacle {
  return { node, why, ineligible };
}
