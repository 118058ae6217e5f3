// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ANNOUNCE_EVERYTHING } from '../config/advertisement.ts';
import { IpAddress } from '../net/ip-address.ts';
import { announcedVerdict, type NodeObstacle, parseAnnounced, type VipFacts } from './announced.ts';

const V4 = IpAddress.of('IPv4', 0xc0000207n);
const V6 = IpAddress.of('IPv6', 0x20010db8000500000000000000000007n);
const SINCE = Date.UTC(2026, 10, 24, 11, 20, 5) / 1000;

describe('announcedVerdict', () => {
  it('ST-07: names node, interfaces and time for each address', () => {
    const verdict = announcedVerdict([
      facts({ claims: [claim('edge-1', 'lan0'), claim('edge-1', 'lan1')] }),
      facts({ vip: V6, claims: [claim('edge-2', 'lan0')] }),
    ]);
    expect(verdict).to.deep.equal({
      status: 'True',
      reason: 'Announced',
      message:
        '192.0.2.7 from edge-1 on lan0 and lan1 since 2026-11-24T11:20:05Z; ' +
        '2001:db8:5::7 from edge-2 on lan0 since 2026-11-24T11:20:05Z',
    });
  });

  it('names both owners of a split segment', () => {
    const { message } = announcedVerdict([facts({ claims: [claim('edge-1', 'lan0'), claim('edge-2', 'lan0')] })]);
    expect(message).to.include('from edge-1 on lan0').and.to.include('and from edge-2 on lan0');
  });

  const rows: { name: string; nodes: NodeObstacle[]; reason: string; message: string }[] = [
    { name: 'no speaker runs', nodes: [], reason: 'NotHeard', message: 'no speaker is heard of' },
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
      message: 'edge-1: selected by no policy, edge-2: excluded-by-label',
    },
  ];
  for (const { name, nodes, reason, message } of rows) {
    it(`ST-07: is False with a reason and a sentence: ${name}`, () => {
      const verdict = announcedVerdict([facts({ obstacles: () => nodes })]);
      expect(verdict).to.deep.equal({ status: 'False', reason, message: `192.0.2.7 from nobody: ${message}` });
    });
  }

  it('is False when one of two addresses is not announced, and still names who announces the other', () => {
    const verdict = announcedVerdict([facts({ claims: [claim('edge-1', 'lan0')] }), facts({ vip: V6 })]);
    expect(verdict).to.include({ status: 'False', reason: 'NotHeard' });
    expect(verdict.message).to.include('192.0.2.7 from edge-1').and.to.include('2001:db8:5::7 from nobody');
  });

  it('tells that no policy speaks of the Service', () => {
    const policies = { announced: false, reason: 'NoAdvertisement', message: 'no policy' } as const;
    expect(announcedVerdict([facts({ policies })])).to.include({ status: 'False', reason: 'NoAdvertisement' });
  });

  it('tells that there is no address', () => {
    expect(announcedVerdict([])).to.include({ status: 'False', reason: 'NoAddress' });
  });

  it('names a few of many nodes', () => {
    const nodes = Array.from({ length: 200 }, (_, index) => at(`edge-${index}`, 'not-selected'));
    const { message } = announcedVerdict([facts({ obstacles: () => nodes })]);
    expect(message).to.include('and 190 more');
  });
});

describe('parseAnnounced', () => {
  const owned = facts({ claims: [claim('edge-1', 'lan0'), claim('edge-1', 'lan1'), claim('edge-2', 'lan0')] });
  const second = facts({ vip: V6, claims: [claim('nobody', 'on')] });
  const probed = facts({ vip: V6, obstacles: () => [at('edge-1', 'probing')] });
  const refused = facts({ vip: V6, obstacles: () => [at('edge-1', 'not-eligible', 'on; 192.0.2.9 from')] });
  const rows: { name: string; addresses: VipFacts[]; announced: IpAddress[] }[] = [
    { name: 'of one address', addresses: [owned], announced: [V4] },
    { name: 'of two addresses', addresses: [owned, second], announced: [V4, V6] },
    { name: 'of two addresses, the second of which nobody answers for', addresses: [owned, probed], announced: [V4] },
    { name: 'of two addresses, the first of which nobody answers for', addresses: [probed, owned], announced: [V4] },
    { name: 'whose reason has a semicolon', addresses: [refused], announced: [] },
    { name: 'of no address', addresses: [], announced: [] },
  ];
  for (const { name, addresses, announced } of rows) {
    it(`reads who is answered for from the message ${name}`, () => {
      expect(parseAnnounced(announcedVerdict(addresses).message).map(String)).to.deep.equal(announced.map(String));
    });
  }

  for (const message of ['', 'by n2', 'web from edge-1 on lan0', '192.0.2.7', '192.0.2.7 from nobody: nothing on lan0'])
    it(`finds nobody in "${message}"`, () => {
      expect(parseAnnounced(message)).to.deep.equal([]);
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
