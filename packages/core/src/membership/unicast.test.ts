// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { mac } from '../net/testing.ts';
import { type ExpectedPeer, planUnicast, transportOf } from './unicast.ts';

const NOW = 100_000;

function peer(number: number, facts: Partial<ExpectedPeer> = {}): ExpectedPeer {
  return { mac: mac(number), groupMs: undefined, aloneMs: undefined, isDeaf: false, ...facts };
}

describe('planUnicast', () => {
  const cases = [
    { name: 'a node that was never heard is knocked at', facts: {}, heartbeats: false, knocks: true },
    { name: 'one that the group brings gets nothing', facts: { groupMs: NOW - 25 }, heartbeats: false, knocks: false },
    { name: 'one that is heard alone gets everything', facts: { aloneMs: NOW - 25 }, heartbeats: true, knocks: false },
    {
      name: 'one that is heard both ways gets nothing',
      facts: { groupMs: NOW - 25, aloneMs: NOW - 25 },
      heartbeats: false,
      knocks: false,
    },
    {
      name: 'one that does not hear us gets everything',
      facts: { groupMs: NOW - 25, isDeaf: true },
      heartbeats: true,
      knocks: false,
    },
    {
      name: 'one that fell silent is knocked at',
      facts: { aloneMs: NOW - 5000, groupMs: NOW - 9000, isDeaf: true },
      heartbeats: false,
      knocks: true,
    },
  ];
  for (const { name, facts, heartbeats, knocks } of cases) {
    it(name, () => {
      const plan = planUnicast([peer(1, facts)], NOW);
      expect({ heartbeats: plan.heartbeats.length === 1, knocks: plan.knocks.length === 1 }).to.deep.equal({
        heartbeats,
        knocks,
      });
    });
  }
});

describe('transportOf', () => {
  const byGroup = { groupMs: NOW - 25 };
  const alone = { aloneMs: NOW - 25 };
  const cases = [
    { name: 'nobody', peers: [], expected: 'multicast' },
    { name: 'nobody that is heard', peers: [peer(1)], expected: 'multicast' },
    { name: 'all by the group', peers: [peer(1, byGroup), peer(2, byGroup)], expected: 'multicast' },
    { name: 'all alone', peers: [peer(1, alone), peer(2, alone), peer(3)], expected: 'unicast' },
    { name: 'one of each', peers: [peer(1, byGroup), peer(2, alone)], expected: 'mixed' },
  ];
  for (const { name, peers, expected } of cases) {
    it(`is ${expected} for ${name}`, () => {
      expect(transportOf(peers, NOW)).to.equal(expected);
    });
  }
});
