// SPDX-License-Identifier: Apache-2.0
/** The next VIP to move so that load evens out: one at a time, and only while a move makes things better. */
import type { IpAddress } from '../net/ip-address.ts';
import { byStanding, chooseNode, foremost, type Loads, loadOf, type Orphan } from './candidate.ts';

/** A VIP and who has it. */
export interface OwnedVip extends Orphan {
  readonly owner: string;
}

export interface Move {
  readonly vip: IpAddress;
  readonly from: string;
  readonly to: string;
}

/** Loads that differ by one are even. */
const UNEVEN_BY = 2;

/**
 * The move that comes next, the same for all who know the same, or undefined when all is well. First VIPs go to nodes
 * that are preferred over their owner; then from the node that has most to the one that has fewest of equally good
 * ones. Moves end: one of the first kind raises a score, one of the second lowers the sum of squared loads and keeps
 * all scores.
 */
export function nextMove(vips: readonly OwnedVip[], loads: Loads): Move | undefined {
  const ordered = [...vips].sort((a, b) => a.vip.compare(b.vip));
  return ordered.map((one) => preferredMove(one, loads)).find((move) => move !== undefined) ?? evenMove(ordered, loads);
}

function preferredMove(one: OwnedVip, loads: Loads): Move | undefined {
  const own = one.candidates.find((candidate) => candidate.node === one.owner);
  const [best] = foremost(one.candidates);
  if (own === undefined || best === undefined || byStanding(best, own) >= 0) return undefined;
  const to = chooseNode(one.vip, one.candidates, loads);
  return to === undefined ? undefined : { vip: one.vip, from: one.owner, to };
}

function evenMove(vips: readonly OwnedVip[], loads: Loads): Move | undefined {
  let widest = UNEVEN_BY - 1;
  let found: Move | undefined;
  for (const { vip, owner, candidates } of vips) {
    const best = foremost(candidates);
    const least = best.reduce((load, { node }) => Math.min(load, loadOf(loads, node)), Number.POSITIVE_INFINITY);
    const difference = loadOf(loads, owner) - least;
    // Choosing hashes, which is the costly part.
    if (difference <= widest || !best.some(({ node }) => node === owner)) continue;
    const to = chooseNode(vip, candidates, loads);
    if (to === undefined) continue;
    widest = difference;
    found = { vip, from: owner, to };
  }
  return found;
}
