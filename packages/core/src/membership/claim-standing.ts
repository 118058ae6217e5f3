// SPDX-License-Identifier: Apache-2.0
/**
 * How what this node owns stands against claims of others: weak or firm, as it was cut off for long or has been in
 * company (docs/design/0012-ask-before-you-take.md, section 5).
 */
import { ESTABLISHED_AFTER_MS, isFrail } from './company.ts';
import { GONE } from './majority.ts';
import type { MembershipState, OwnClaim } from './state.ts';
import { change, changeClaims, type Turn } from './turn.ts';

/**
 * What was claimed provisionally, or by a node that had just come, is firm after so long in company without a better
 * claim.
 */
export const FIRM_AFTER_MS = 1000;
/** What a node owns is weak when it was cut off for so long. */
export const WEAK_AFTER_MS = 10_000;

/** Claims become weak when this node was cut off for long, and firm when it has been in company for a while. */
export function strengthen(turn: Turn): void {
  const { claims, company } = turn.state;
  if (claims.size === 0) return;
  const hasLasted = (sinceMs: number | undefined, forMs: number) =>
    sinceMs !== undefined && turn.nowMs - sinceMs >= forMs;
  // From when it last heard the others, which was a little before it could know.
  const weakens = hasLasted(company.cutOffSinceMs, WEAK_AFTER_MS - GONE * turn.state.timing.deadAfterMs);
  const firms = !isFrail(turn.state) && hasLasted(company.connectedSinceMs, FIRM_AFTER_MS);
  const establishes =
    hasLasted(company.connectedSinceMs, FIRM_AFTER_MS) && hasLasted(company.manySinceMs, ESTABLISHED_AFTER_MS);
  const isDue = (one: OwnClaim) =>
    (weakens && !one.isWeak) ||
    (firms && one.isWeak) ||
    (establishes && one.isFresh && age(turn, one) >= ESTABLISHED_AFTER_MS);
  if (![...claims.values()].some(isDue)) return;
  const standing = (one: OwnClaim): OwnClaim => ({
    ...one,
    isWeak: weakens || (one.isWeak === true && !firms),
    isFresh: one.isFresh === true && !(establishes && age(turn, one) >= ESTABLISHED_AFTER_MS),
  });
  sayAnew(turn, new Map([...claims].map(([key, one]) => [key, isDue(one) ? standing(one) : one])));
}

/** All that this node owns now. What it is offered from then on is firm: who offers it knows. */
export function weakenAll(turn: Turn): void {
  const { claims } = turn.state;
  if ([...claims.values()].every(({ isWeak }) => isWeak)) return;
  sayAnew(turn, new Map([...claims].map(([key, one]) => [key, { ...one, isWeak: true }])));
}

function age(turn: Turn, { sinceMs }: OwnClaim): number {
  return turn.nowMs - sinceMs;
}

/** The same claims, which stand differently now: everybody is told. */
function sayAnew(turn: Turn, claims: MembershipState['claims']): void {
  const { placement, balancedMs } = turn.state;
  changeClaims(turn, claims);
  change(turn, { placement, balancedMs });
}
