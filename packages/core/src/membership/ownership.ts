// SPDX-License-Identifier: Apache-2.0
/** Who owns what, as far as is heard on a segment, and who could. */
import type { VipCandidate } from '../placement/candidate.ts';
import type { NodeFitness } from '../wire/heartbeat.ts';
import { type Claimant, compareClaims } from './claim.ts';
import { isFrail } from './company.ts';
import type { DesiredVip } from './event.ts';
import type { Member } from './member.ts';
import { claimantOf, ownClaimant } from './owner.ts';
import type { Turn } from './turn.ts';

/** Who owns what, as far as is heard here; this node's own claims included. */
export interface Ownership {
  /** By the text of the VIP. */
  readonly owners: ReadonlyMap<string, Claimant>;
  /** VIPs owned by each node. */
  readonly loads: ReadonlyMap<string, number>;
}

/** Of several claimants of one VIP only the best counts. */
export function ownershipOf(turn: Turn): Ownership {
  const { claims, members } = turn.state;
  const owners = new Map<string, Claimant>();
  for (const [key, claim] of claims) owners.set(key, ownClaimant(turn.state, claim));
  for (const member of members) {
    if (member.darkSinceMs !== undefined) continue;
    for (const [key, claim] of member.claims) {
      const claimant = claimantOf(member, claim);
      const before = owners.get(key);
      if (before === undefined || compareClaims(key, claimant, before) < 0) owners.set(key, claimant);
    }
  }
  const loads = new Map<string, number>();
  for (const { node } of owners.values()) loads.set(node, (loads.get(node) ?? 0) + 1);
  return { owners, loads };
}

/**
 * The candidates whose speakers are heard and at work; one that says it is unfit or unsteady is a last resort. The same
 * array for the same array, since many VIPs share one.
 */
export function presentCandidates(
  turn: Turn,
  who: 'at-work' | 'at-work-or-starting',
): (vip: DesiredVip) => readonly VipCandidate[] {
  const names = new Map<string, NodeFitness>();
  const isPresent = ({ phase }: Pick<Member, 'phase'>) =>
    phase === 'active' || (who === 'at-work-or-starting' && phase === 'listening');
  for (const member of turn.state.members)
    if (isPresent(member) && member.darkSinceMs === undefined)
      names.set(member.node, member.isUnsteady ? 'unfit' : member.fitness);
  if (isPresent(turn.state)) names.set(turn.state.self.node, isFrail(turn.state) ? 'unfit' : turn.state.fitness);
  const present = oncePerList((candidates) => presentOf(candidates, names));
  return ({ candidates }) => present(candidates);
}

/** The same function of lists of candidates, worked out once for each list: many VIPs share one. */
export function oncePerList(
  work: (candidates: readonly VipCandidate[]) => readonly VipCandidate[],
): (candidates: readonly VipCandidate[]) => readonly VipCandidate[] {
  const known = new Map<readonly VipCandidate[], readonly VipCandidate[]>();
  return (candidates) => {
    const found = known.get(candidates) ?? work(candidates);
    known.set(candidates, found);
    return found;
  };
}

function presentOf(
  candidates: readonly VipCandidate[],
  names: ReadonlyMap<string, NodeFitness>,
): readonly VipCandidate[] {
  const present = candidates.filter(({ node }) => names.has(node));
  return present.map((one) => (names.get(one.node) === 'unfit' ? { ...one, standing: 'last-resort' } : one));
}

/** Whether this node is a candidate, by what the cluster says. */
export function isOwnCandidate(turn: Turn, vip: DesiredVip): boolean {
  return vip.candidates.some(({ node }) => node === turn.state.self.node);
}
