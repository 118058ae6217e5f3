// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import { chooseNode, orderNodes, placeOrphans, type VipCandidate } from './candidate.ts';

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

function orphans(count: number, candidates: readonly VipCandidate[]) {
  return Array.from({ length: count }, (_, number) => ({ vip: vip(number), candidates }));
}

function sizes(owners: ReadonlyMap<string, string>): number[] {
  const loads = new Map<string, number>();
  for (const owner of owners.values()) loads.set(owner, (loads.get(owner) ?? 0) + 1);
  return [...loads.values()].sort((a, b) => a - b);
}

describe('orderNodes', () => {
  it('EL-01: falls back to rendezvous order at equal load, whatever the order of its input', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(alike(EDGES), { minLength: 3 }), (shuffled) => {
        expect(orderNodes(vip(20), shuffled, NOBODY)).to.deep.equal(['edge-2', 'edge-1', 'edge-3']);
        expect(orderNodes(vip(21), shuffled, NOBODY)).to.deep.equal(['edge-1', 'edge-2', 'edge-3']);
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
      expect(orderNodes(vip(20), candidates, new Map(loads ?? []))).to.deep.equal(order);
    });
  }

  it('begins with the node that is chosen', () => {
    const arbitrary = fc.record({
      node: fc.constantFrom(...EDGES, 'edge-4', 'edge-5'),
      standing: fc.constantFrom('eligible' as const, 'last-resort' as const),
      score: fc.nat(2),
    });
    const candidates = fc.uniqueArray(arbitrary, { selector: ({ node }) => node, minLength: 1 });
    const loads = fc.dictionary(fc.constantFrom(...EDGES), fc.nat(2));
    fc.assert(
      fc.property(candidates, loads, fc.nat(99), (nodes, load, number) => {
        const loaded = new Map(Object.entries(load));
        expect(orderNodes(vip(number), nodes, loaded)[0]).to.equal(chooseNode(vip(number), nodes, loaded));
      }),
    );
  });
});

describe('placeOrphans', () => {
  const spreads = [
    { count: 255, nodes: ['edge-1', 'edge-2'], loads: [127, 128] },
    { count: 100, nodes: EDGES, loads: [33, 33, 34] },
  ];
  for (const { count, nodes, loads } of spreads) {
    it(`EL-02: spreads ${count} VIPs over ${nodes.length} nodes`, () => {
      expect(sizes(placeOrphans(orphans(count, alike(nodes)), NOBODY))).to.deep.equal(loads);
    });
  }

  it('EL-01: does not depend on the order of its input', () => {
    const rows = orphans(20, alike(EDGES));
    const expected = [...placeOrphans(rows, NOBODY)].sort();
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (shuffled) => {
        expect([...placeOrphans(shuffled, NOBODY)].sort()).to.deep.equal(expected);
      }),
    );
  });

  it('fills up the nodes that have least', () => {
    const loads = new Map([
      ['edge-1', 4],
      ['edge-2', 1],
    ]);
    const owners = [...placeOrphans(orphans(7, alike(EDGES)), loads).values()].sort();
    expect(owners).to.deep.equal(['edge-2', 'edge-2', 'edge-2', 'edge-3', 'edge-3', 'edge-3', 'edge-3']);
  });

  it('EL-16: places the two addresses of a dual-stack Service one by one, each where it may be', () => {
    const six = IpAddress.parse('2001:db8:5::7');
    if (!six.ok) throw new Error(six.reason);
    const owners = placeOrphans(
      [
        { vip: vip(20), candidates: alike(['edge-1']) },
        { vip: six.value, candidates: alike(['edge-2']) },
      ],
      NOBODY,
    );
    expect([...owners]).to.deep.equal([
      ['203.0.113.20', 'edge-1'],
      ['2001:db8:5::7', 'edge-2'],
    ]);
  });

  it('leaves out what nobody may own', () => {
    expect(placeOrphans(orphans(1, []), NOBODY).size).to.equal(0);
  });
});
