// SPDX-License-Identifier: Apache-2.0
/**
 * Whether this node is cut off or the others are (docs/design/0012-ask-before-you-take.md, section 4). It is connected
 * while it hears more than half of the nodes that it heard a moment ago, itself counted, or while a witness answers.
 */
import { hearsMost, SUSPECTED } from './majority.ts';
import { isHeard, type Member, suspectAtMs } from './member.ts';
import type { MembershipState } from './state.ts';
import type { Turn } from './turn.ts';

/** After it was cut off a node takes nothing for so many intervals. */
const TOGETHER_INTERVALS = 3;
/** The answer of a witness holds for so long, and for so many intervals. */
export const WITNESS_MS = 1000;
const WITNESS_INTERVALS = 4;
/** Who has heard most nodes of the cluster for so long knows who owns what. */
export const ESTABLISHED_AFTER_MS = 3000;

/** How a claim that is made now stands; undefined: none may be made yet. */
export function claimStrength({ state, nowMs }: Turn): 'firm' | 'weak' | undefined {
  const { company, timing } = state;
  // Those that come together have to hear of each other first.
  if (nowMs - company.cutOffEndedMs < TOGETHER_INTERVALS * timing.intervalMs) return undefined;
  if (isConnected(state, nowMs)) return 'firm';
  const { cutOffSinceMs } = company;
  return cutOffSinceMs !== undefined && nowMs - cutOffSinceMs >= timing.takeoverPatienceMs ? 'weak' : undefined;
}

/** Whether this node may take what falls to it at once. */
export function isConnected(state: MembershipState, nowMs: number): boolean {
  return isWitnessed(state, nowMs) || hearsMost(state, nowMs, SUSPECTED) || hasJoined(state, nowMs);
}

/** Whether a node that hears nobody, and no witness, says so. */
export function saysCutOff({ company, members }: MembershipState, nowMs: number): boolean {
  return company.cutOffSinceMs !== undefined && !members.some((one) => isHeard(one, nowMs));
}

/** Whether this node has been here and has heard most nodes of the cluster for so long that it knows who owns what. */
export function hasHeardMost({ company }: MembershipState, nowMs: number): boolean {
  const { freshness, manySinceMs } = company;
  return freshness === 'settled' && manySinceMs !== undefined && nowMs - manySinceMs >= ESTABLISHED_AFTER_MS;
}

/**
 * Whether others go before this node, and what it owned when it was cut off, or took without an offer since, is weak.
 */
export function isFrail({ company }: MembershipState): boolean {
  return company.steadiness === 'unsteady';
}

function isWitnessed({ company, timing }: MembershipState, nowMs: number): boolean {
  return nowMs - company.witnessedMs <= Math.max(WITNESS_MS, WITNESS_INTERVALS * timing.intervalMs);
}

/** A node that has just come is connected as soon as it hears one that is at work and in company itself. */
function hasJoined({ company, members }: MembershipState, nowMs: number): boolean {
  if (company.freshness !== 'fresh') return false;
  return members.some(
    (one) =>
      one.phase === 'active' &&
      !one.isCutOff &&
      one.claimsVersion === one.claimsSaid &&
      nowMs < suspectAtMs(one) &&
      isEstablished(one),
  );
}

function isEstablished({ claims }: Member): boolean {
  for (const { isWeak, isFresh } of claims.values()) if (!isWeak && !isFresh) return true;
  return false;
}
