// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import type { VipCandidate } from './candidate.ts';
import { beginPlan, continuePlan, isComplete, placeOrphans } from './orphan-plan.ts';

const EDGES = ['edge-1', 'edge-2', 'edge-3'];
const NOBODY: ReadonlyMap<string, number> = new Map();

function vip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

function alike(nodes: readonly string[]): VipCandidate[] {
  return nodes.map((node) => ({ node, standing: 'eligible', score: 0 }));
}

function orphans(count: number, candidates: readonly VipCandidate[]) {
  return Array.from({ length: count }, (_, number) => ({ vip: vip(number), candidates }));
}

function sizes(owners: ReadonlyMap<string, string>): number[] {
  const loads = new Map<string, number>();
  for (const owner of owners.values()) loads.set(owner, (loads.get(owner) ?? 0) + 1);
  return [...loads.values()].sort((a, b) => a - b);
}

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

  const vectors = [
    { number: 20, order: ['edge-2', 'edge-1', 'edge-3'] },
    { number: 21, order: ['edge-1', 'edge-2', 'edge-3'] },
  ];
  for (const { number, order } of vectors) {
    it(`EL-01: gives 203.0.113.${number} to ${order.join(', ')} in turn, as each before is gone`, () => {
      const owners = order.map((_, gone) => {
        const left = EDGES.filter((node) => !order.slice(0, gone).includes(node));
        return placeOrphans([{ vip: vip(number), candidates: alike(left) }], NOBODY).get(String(vip(number)));
      });
      expect(owners).to.deep.equal(order);
    });
  }

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

describe('continuePlan', () => {
  it('comes to the same in pieces as at once', () => {
    const rows = orphans(50, alike(EDGES));
    let plan = beginPlan(rows, new Map([['edge-1', 3]]));
    let pieces = 0;
    for (; !isComplete(plan); pieces++) plan = continuePlan(plan, 10);
    expect(pieces).to.equal(13);
    expect(plan.owners).to.deep.equal(placeOrphans(rows, new Map([['edge-1', 3]])));
  });
});
