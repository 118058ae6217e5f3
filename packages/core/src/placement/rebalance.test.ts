// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { IpAddress } from '../net/ip-address.ts';
import type { VipCandidate } from './candidate.ts';
import { nextMove, type OwnedVip } from './rebalance.ts';

const EDGES = ['edge-1', 'edge-2', 'edge-3'];

function owned(number: number, owner: string, candidates: readonly VipCandidate[] = alike(EDGES)): OwnedVip {
  return { vip: IpAddress.of('IPv4', 0xcb007100n + BigInt(number)), owner, candidates };
}

function alike(nodes: readonly string[], score = 0): VipCandidate[] {
  return nodes.map((node) => ({ node, standing: 'eligible', score }));
}

function loadsOf(vips: readonly OwnedVip[]): Map<string, number> {
  const loads = new Map<string, number>();
  for (const { owner } of vips) loads.set(owner, (loads.get(owner) ?? 0) + 1);
  return loads;
}

/** Makes moves until none is left, or until there were suspiciously many. */
function rebalanced(vips: readonly OwnedVip[]): { vips: readonly OwnedVip[]; moves: number } {
  let current = vips;
  for (let moves = 0; moves < 1000; moves++) {
    const move = nextMove(current, loadsOf(current));
    if (move === undefined) return { vips: current, moves };
    current = current.map((one) => (one.vip.equals(move.vip) ? { ...one, owner: move.to } : one));
  }
  throw new Error('moves do not end');
}

describe('nextMove', () => {
  it('does nothing when loads differ by one', () => {
    const vips = [owned(0, 'edge-1'), owned(1, 'edge-1'), owned(2, 'edge-2'), owned(3, 'edge-3')];
    expect(nextMove(vips, loadsOf(vips))).to.equal(undefined);
  });

  it('moves the lowest address of the fullest node to the emptiest', () => {
    const vips = [owned(3, 'edge-1'), owned(1, 'edge-1'), owned(2, 'edge-2')];
    const move = nextMove(vips, loadsOf(vips));
    expect(move && `${move.vip} ${move.from} ${move.to}`).to.equal('203.0.113.1 edge-1 edge-3');
  });

  it('moves a VIP to a node that is preferred, against the balance', () => {
    const candidates = [...alike(['edge-1']), ...alike(['edge-2'], 5)];
    const vips = [owned(1, 'edge-1', candidates), owned(2, 'edge-2'), owned(3, 'edge-2')];
    const move = nextMove(vips, loadsOf(vips));
    expect(move && `${move.vip} ${move.to}`).to.equal('203.0.113.1 edge-2');
  });

  it('leaves a VIP whose owner is no candidate to those who take care of that', () => {
    const vips = [owned(1, 'edge-9', alike(['edge-1']))];
    expect(nextMove(vips, loadsOf(vips))).to.equal(undefined);
  });

  it('comes to an end with loads that differ by one at most, after no more moves than are needed', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EDGES), { maxLength: 30 }), (owners) => {
        const before = owners.map((owner, number) => owned(number, owner));
        const { vips, moves } = rebalanced(before);
        const loads = EDGES.map((node) => loadsOf(vips).get(node) ?? 0);
        expect(Math.max(...loads) - Math.min(...loads)).to.be.at.most(1);
        expect(moves).to.be.at.most(owners.length);
      }),
    );
  });

  it('comes to an end with any candidates and scores', () => {
    const arbitrary = fc.uniqueArray(fc.record({ node: fc.constantFrom(...EDGES), score: fc.nat(2) }), {
      selector: ({ node }) => node,
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(arbitrary, fc.nat(2)), { maxLength: 12 }), (rows) => {
        const vips = rows.map(([nodes, index], number) => {
          const candidates = nodes.map((one): VipCandidate => ({ ...one, standing: 'eligible' }));
          return owned(number, candidates[index % candidates.length]?.node ?? '', candidates);
        });
        expect(rebalanced(vips).moves).to.be.at.most(100);
      }),
    );
  });
});
