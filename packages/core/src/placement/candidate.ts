// SPDX-License-Identifier: Apache-2.0
/**
 * Which of its candidates a VIP should go to. Candidates that are a last resort come after all others, then the higher
 * score wins, then the smaller load, then rendezvous order. A VIP that is owned stays where it is: that is decided
 * before this is asked.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { Eligibility } from './eligibility.ts';
import { rendezvousOrder } from './rendezvous.ts';

/** A node that may own a VIP. */
export interface VipCandidate {
  readonly node: string;
  readonly standing: Exclude<Eligibility['kind'], 'ineligible'>;
  /** Sum of the weights of all preferences that the node meets. */
  readonly score: number;
}

/** VIPs owned by each node; absent means 0. */
export type Loads = ReadonlyMap<string, number>;

/** The candidates that nothing but load tells apart: the best standing that occurs, and in it the highest score. */
export function foremost(candidates: readonly VipCandidate[]): readonly VipCandidate[] {
  const [first] = candidates;
  if (first === undefined) return candidates;
  const best = candidates.reduce((a, b) => (byStanding(b, a) < 0 ? b : a), first);
  return candidates.filter((one) => byStanding(one, best) === 0);
}

/** The node that a VIP without an owner should go to, or undefined without candidates. */
export function chooseNode(vip: IpAddress, candidates: readonly VipCandidate[], loads: Loads): string | undefined {
  const nodes = foremost(candidates).map((one) => one.node);
  const least = nodes.reduce((load, node) => Math.min(load, loadOf(loads, node)), Number.POSITIVE_INFINITY);
  const tied = nodes.filter((node) => loadOf(loads, node) === least);
  // Hashing is the costly part, and most of the time load has decided.
  return tied.length < 2 ? tied[0] : rendezvousOrder(vip, tied)[0];
}

/** A VIP that no one owns. */
export interface Orphan {
  readonly vip: IpAddress;
  readonly candidates: readonly VipCandidate[];
}

/** Negative when a stands before b whatever their loads, zero when only load can tell. */
export function byStanding(a: VipCandidate, b: VipCandidate): number {
  if (a.standing !== b.standing) return a.standing === 'eligible' ? -1 : 1;
  return b.score - a.score;
}

export function loadOf(loads: Loads, node: string): number {
  return loads.get(node) ?? 0;
}
