// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { chooseNode, foremost, type Loads, type VipCandidate } from './candidate.ts';
import { rendezvousOrder } from './rendezvous.ts';

const EDGES = ['edge-1', 'edge-2', 'edge-3'];
const NOBODY: ReadonlyMap<string, number> = new Map();

function vip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

function candidate(node: string, rest: Partial<VipCandidate> = {}): VipCandidate {
  return { node, standing: 'eligible', score: 0, ...rest };
}

function alike(nodes: readonly string[]): VipCandidate[] {
  return nodes.map((node) => candidate(node));
}

/** Who is chosen, and who in turn when each that was chosen is gone. */
function succession(address: IpAddress, candidates: readonly VipCandidate[], loads: Loads): string[] {
  const next = chooseNode(address, candidates, loads);
  if (next === undefined) return [];
  const others = candidates.filter(({ node }) => node !== next);
  return [next, ...succession(address, others, loads)];
}

describe('chooseNode', () => {
  it('EL-01: falls back to rendezvous order at equal load, whatever the order of its input', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(alike(EDGES), { minLength: 3 }), (shuffled) => {
        expect(succession(vip(20), shuffled, NOBODY)).to.deep.equal(['edge-2', 'edge-1', 'edge-3']);
        expect(succession(vip(21), shuffled, NOBODY)).to.deep.equal(['edge-1', 'edge-2', 'edge-3']);
      }),
    );
  });

  const rows: { name: string; candidates: VipCandidate[]; loads?: [string, number][]; order: string[] }[] = [
    {
      name: 'EL-14: the highest score is first, unscored nodes trail',
      candidates: [candidate('edge-1', { score: 10 }), candidate('edge-2'), candidate('edge-3', { score: 30 })],
      order: ['edge-3', 'edge-1', 'edge-2'],
    },
    {
      name: 'EL-14: equal scores are ordered by load, then by rendezvous',
      candidates: [candidate('edge-1', { score: 10 }), candidate('edge-2', { score: 10 }), candidate('edge-3')],
      loads: [['edge-2', 1]],
      order: ['edge-1', 'edge-2', 'edge-3'],
    },
    {
      name: 'EL-14: load never outweighs a score',
      candidates: [candidate('edge-1', { score: 1 }), candidate('edge-2')],
      loads: [['edge-1', 99]],
      order: ['edge-1', 'edge-2'],
    },
    {
      name: 'EL-11: a last resort comes after every eligible node, whatever its score',
      candidates: [candidate('edge-1', { standing: 'last-resort', score: 99 }), candidate('edge-2')],
      order: ['edge-2', 'edge-1'],
    },
  ];
  for (const { name, candidates, loads, order } of rows) {
    it(name, () => {
      expect(succession(vip(20), candidates, new Map(loads ?? []))).to.deep.equal(order);
    });
  }

  it('chooses the first in rendezvous order of the foremost that have least', () => {
    const arbitrary = fc.record({
      node: fc.constantFrom(...EDGES, 'edge-4', 'edge-5'),
      standing: fc.constantFrom('eligible' as const, 'last-resort' as const),
      score: fc.nat(2),
    });
    const candidates = fc.uniqueArray(arbitrary, { selector: ({ node }) => node, minLength: 1 });
    const loads = fc.dictionary(fc.constantFrom(...EDGES), fc.nat(2));
    fc.assert(
      fc.property(candidates, loads, fc.nat(99), (nodes, load, number) => {
        const loadOf = (node: string) => load[node] ?? 0;
        const best = foremost(nodes).map(({ node }) => node);
        const least = Math.min(...best.map(loadOf));
        const [first] = rendezvousOrder(
          vip(number),
          best.filter((node) => loadOf(node) === least),
        );
        expect(chooseNode(vip(number), nodes, new Map(Object.entries(load)))).to.equal(first);
      }),
    );
  });

  it('chooses nobody without candidates', () => {
    expect(chooseNode(vip(20), [], NOBODY)).to.equal(undefined);
  });
});
