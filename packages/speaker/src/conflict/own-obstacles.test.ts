// SPDX-License-Identifier: Apache-2.0
import { ANNOUNCE_EVERYTHING, type L2Advertisement } from '@berth/core';
import { expect } from 'chai';
import { ip, mac, node } from '../testing.ts';
import { type ObstacleFacts, ownObstacles } from './own-obstacles.ts';

const LAN: ObstacleFacts['segments'][number] = { ifindex: 2, ifname: 'lan0', mac: mac(2), families: ['IPv4'] };
const FREE: ObstacleFacts = {
  node: node('edge-1', { zone: 'a' }),
  ineligible: '',
  segments: [LAN],
  shadowed: new Set(),
  answering: { isAttached: () => true, lacks: () => false },
  candidatesOf: () => [],
};
const ELSEWHERE = { candidatesOf: () => [{ node: 'edge-2', standing: 'eligible', score: 0 }] as const };

describe('ownObstacles', () => {
  const rows: {
    name: string;
    policies?: Partial<L2Advertisement>[];
    facts?: Partial<ObstacleFacts>;
    why: string | undefined;
  }[] = [
    { name: 'a VIP that another node may own', facts: ELSEWHERE, why: undefined },
    { name: 'a node without a fitting interface', facts: { ...ELSEWHERE, segments: [] }, why: 'no-segment' },
    {
      name: 'a family that the interface does not carry',
      facts: { segments: [{ ...LAN, families: ['IPv6'] }] },
      why: 'no-segment',
    },
    {
      name: 'policies with interfaces that this node lacks, whoever else may own it',
      policies: [{ interfaces: ['lan1'] }, { interfaces: ['lan2'] }],
      facts: ELSEWHERE,
      why: 'no-interface',
    },
    {
      name: 'one policy with an interface that is here',
      policies: [{ interfaces: ['lan1'] }, { interfaces: ['lan0'] }],
      facts: ELSEWHERE,
      why: undefined,
    },
    {
      name: 'NN-05: a policy with the second of two cards in one LAN, while another policy has the first',
      policies: [{ interfaces: ['lan1'] }],
      facts: { ...ELSEWHERE, segments: [LAN, { ...LAN, ifindex: 3, ifname: 'lan1' }], shadowed: new Set(['lan1']) },
      why: 'same-segment',
    },
    {
      name: 'AT-08: interfaces on which nothing can answer, whoever else may own it',
      facts: { ...ELSEWHERE, answering: { isAttached: () => false, lacks: () => false } },
      why: 'not-attached',
    },
    {
      name: 'AT-05: a VIP that there is no room for, whoever else may own it',
      facts: { ...ELSEWHERE, answering: { isAttached: () => true, lacks: () => true } },
      why: 'no-room',
    },
    { name: 'a node that may own nothing', facts: { ineligible: 'drained' }, why: 'not-eligible' },
    {
      name: 'a policy that selects other nodes',
      policies: [{ nodeSelectors: [{ matchLabels: { zone: 'b' }, matchExpressions: [] }] }],
      why: 'not-selected',
    },
    { name: 'a Service without endpoints that no one may own', why: 'no-endpoint' },
  ];
  for (const { name, policies = [{}], facts, why } of rows) {
    it(`tells of ${name}: ${why ?? 'nothing'}`, () => {
      const wanted = policies.map((policy) => ({
        service: 'shop/web',
        vip: ip('192.0.2.7'),
        policies: [{ ...ANNOUNCE_EVERYTHING, ...policy }],
        wasAnnounced: false,
      }));
      const obstacles = ownObstacles(wanted, { ...FREE, ...facts });
      expect(obstacles.map((one) => one.why)).to.deep.equal(why === undefined ? [] : [why]);
    });
  }
});
