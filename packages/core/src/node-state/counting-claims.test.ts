// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { MacAddress } from '../net/mac-address.ts';
import { countingClaims, type NodeClaim, type NodeHearing } from './counting-claims.ts';

describe('countingClaims', () => {
  const rows: { name: string; nodes: Record<string, NodeHearing>; claims: NodeClaim[]; counting: string[] }[] = [
    { name: 'no one claims it', nodes: { a: hearing('b') }, claims: [], counting: [] },
    {
      name: 'one node claims it on two interfaces',
      nodes: { a: { ...hearing(), segments: [segment('lan0'), segment('lan1')] } },
      claims: [claim('a', 1), claim('a', 4, 'lan1')],
      counting: ['a lan0', 'a lan1'],
    },
    {
      name: 'on one segment the higher term counts',
      nodes: { a: hearing('b'), b: hearing('a') },
      claims: [claim('a', 1), claim('b', 2)],
      counting: ['b lan0'],
    },
    {
      name: 'the last word of a dead node does not count against its successor, who hears it no more',
      nodes: { a: hearing('b'), b: hearing() },
      claims: [claim('a', 1), claim('b', 2)],
      counting: ['b lan0'],
    },
    {
      name: 'BL-22: nor by its line: who took over from it stands in the same',
      nodes: { a: hearing('b'), b: hearing() },
      claims: [standing(claim('a', 1), 1, 'firm'), standing(claim('b', 2), 1, 'firm')],
      counting: ['b lan0'],
    },
    {
      name: 'BL-22: nor where the successor is provisional, or had only just come',
      nodes: { a: hearing('b'), b: hearing() },
      claims: [standing(claim('a', 1), 1, 'firm'), standing(claim('b', 2), 1, 'weak')],
      counting: ['b lan0'],
    },
    {
      name: 'two sides of a split segment have an owner each',
      nodes: { a: hearing(), b: hearing() },
      claims: [claim('a', 1), claim('b', 2)],
      counting: ['a lan0', 'b lan0'],
    },
    {
      name: 'a node that has been silent for long does not count',
      nodes: { a: { ...hearing('b'), freshness: 'stale' }, b: hearing() },
      claims: [claim('a', 1)],
      counting: [],
    },
    {
      name: 'unless a peer still hears it: only its way to the API server is cut',
      nodes: { a: { ...hearing('b'), freshness: 'stale' }, b: hearing('a') },
      claims: [claim('a', 1)],
      counting: ['a lan0'],
    },
    {
      name: 'BL-22: a provisional claim does not count against one that had a witness, whatever the terms',
      nodes: { a: hearing('b'), b: hearing('a') },
      claims: [standing(claim('a', 2), 2, 'firm'), standing(claim('b', 5), 5, 'weak')],
      counting: ['a lan0'],
    },
    {
      name: 'BL-22: of one line the claim that was never given up counts, though its term is lower',
      nodes: { a: hearing('b'), b: hearing('a') },
      claims: [standing(claim('a', 2), 1, 'firm'), standing(claim('b', 3), 1, 'firm')],
      counting: ['a lan0'],
    },
    {
      name: 'BL-22: what a node claims that had only just come does not count against a standing owner',
      nodes: { a: hearing('b'), b: hearing('a') },
      claims: [standing(claim('a', 2), 2, 'firm'), standing(claim('b', 9), 9, 'fresh')],
      counting: ['a lan0'],
    },
    {
      name: 'beside an older speaker, which does not tell, the higher term counts',
      nodes: { a: hearing('b'), b: hearing('a') },
      claims: [standing(claim('a', 2), 2, 'firm'), claim('b', 5)],
      counting: ['b lan0'],
    },
    {
      name: 'a node without a report does not count',
      nodes: { b: hearing() },
      claims: [claim('a', 1)],
      counting: [],
    },
  ];
  for (const { name, nodes, claims, counting } of rows) {
    it(name, () => {
      const found = countingClaims('192.0.2.7', claims, new Map(Object.entries(nodes)));
      expect(found.map((one) => `${one.node} ${one.interface}`)).to.deep.equal(counting);
    });
  }

  it('settles equal terms as the nodes themselves do, in one way for both orders', () => {
    const nodes = new Map([
      ['a', hearing('b')],
      ['b', hearing('a')],
    ]);
    const both = [claim('a', 3), claim('b', 3)];
    const one = countingClaims('192.0.2.7', both, nodes);
    expect(one).to.have.length(1);
    expect(countingClaims('192.0.2.7', both.toReversed(), nodes)).to.deep.equal(one);
  });
});

function claim(node: string, term: number, ifname = 'lan0'): NodeClaim {
  return { node, interface: ifname, term, sinceSeconds: 0 };
}

function standing(of: NodeClaim, yieldsTo: number, kind: 'firm' | 'weak' | 'fresh'): NodeClaim {
  return { ...of, standing: { yieldsTo, isWeak: kind === 'weak', isFresh: kind === 'fresh' } };
}

function hearing(...members: string[]): NodeHearing {
  return { bootId: '0000000000000001', freshness: 'fresh', segments: [segment('lan0', ...members)] };
}

function segment(ifname: string, ...members: string[]): NodeHearing['segments'][number] {
  const heard = members.map((node) => ({ node, hearing: 'both' as const }));
  return { interface: ifname, mac: MacAddress.ZERO, phase: 'active', members: heard };
}
