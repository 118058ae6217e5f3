// SPDX-License-Identifier: Apache-2.0
/**
 * VIPs without an owner: which of them are this node's to take, by the plan that all make alike, and by the fallback
 * order.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { foremost, type Orphan, type VipCandidate } from '../placement/candidate.ts';
import { beginPlan, continuePlan, isComplete, type OrphanPlan } from '../placement/orphan-plan.ts';
import { isDeaf } from './member.ts';
import { type Ownership, presentCandidates } from './ownership.ts';
import type { StandingPlan } from './state.ts';
import type { Taken } from './take.ts';
import { change, type Turn } from './turn.ts';

/**
 * Orphans times candidates that are looked at in one tick: each pair may cost a hash. Only crowded segments need
 * several ticks.
 */
const PAIRS_A_TICK = 10_000;
/** A large plan stands for so many intervals. */
const PLAN_INTERVALS = 4;
/**
 * A VIP that nobody ever had may wait so many times longer for the node whose turn it is: a crowd that starts has much
 * to plan.
 */
const NEW_PATIENCE = 5;

export interface KeyedOrphan extends Orphan {
  readonly key: string;
}

/**
 * The orphans that are this node's to take: those that the plan gives it, and those that were left lying for too long.
 */
export function fallen(
  turn: Turn,
  orphans: readonly KeyedOrphan[],
  { loads, since }: { readonly loads: Ownership['loads']; readonly since: ReadonlyMap<string, number> },
): Taken[] {
  if (orphans.length === 0 || isAwaitingLists(turn)) return [];
  const plan = planFor(turn, orphans, loads);
  if (plan === undefined) return [];
  return orphans.flatMap(({ key, vip, candidates }): Taken[] => {
    const isNew = !turn.state.terms.has(key);
    const isOurs = plan.owners.get(key) === turn.state.self.node && !isUnheard(turn, candidates);
    if (isOurs) return [{ vip, reason: isNew ? 'new' : 'orphaned' }];
    if (!candidates.some(({ node }) => node === turn.state.self.node)) return [];
    const waitedMs = turn.nowMs - (since.get(key) ?? turn.nowMs);
    const patienceMs = turn.state.timing.patienceMs * (isNew ? NEW_PATIENCE : 1);
    // The turn of the k-th comes after k times the patience.
    const isLeftOver = waitedMs >= patienceMs && waitedMs >= patienceMs * turnOf(turn, vip, candidates);
    return isLeftOver ? [{ vip, reason: 'left-over' }] : [];
  });
}

export function orphansOf(turn: Turn, owners: Ownership['owners']): KeyedOrphan[] {
  const atWork = presentCandidates(turn, 'at-work');
  const starting = presentCandidates(turn, isStarting(turn) ? 'at-work-or-starting' : 'at-work');
  return [...turn.state.desired].flatMap(([key, desired]) => {
    if (owners.has(key)) return [];
    // A VIP that nobody ever had can wait for nodes that start together with this one; one that was served cannot.
    const candidates = turn.state.terms.has(key) ? atWork(desired) : starting(desired);
    return candidates.length === 0 ? [] : [{ key, vip: desired.vip, candidates }];
  });
}

/**
 * The finished plan, or undefined while it needs another tick. A small one is made anew each time, from what is claimed
 * by then. A large one, or one that waits for answers, stands for a few intervals, until the others have carried out
 * their parts.
 */
function planFor(turn: Turn, orphans: readonly KeyedOrphan[], loads: Ownership['loads']): OrphanPlan | undefined {
  const pairs = orphans.reduce((sum, { candidates }) => sum + candidates.length, 0);
  const standing = turn.state.plan;
  const candidates = namesOf(orphans);
  const isValid =
    standing !== undefined &&
    standing.desired === turn.state.desired &&
    standing.candidates === candidates &&
    turn.nowMs - standing.sinceMs < PLAN_INTERVALS * turn.state.timing.intervalMs;
  // While answers are waited for, nothing has changed that a new plan could heed.
  if (!isValid && pairs <= PAIRS_A_TICK && turn.state.doubts.size === 0) {
    change(turn, { plan: undefined });
    return continuePlan(beginPlan(orphans, loads), Number.POSITIVE_INFINITY);
  }
  const begun = isValid ? standing : beginStanding(turn, candidates, beginPlan(orphans, loads));
  const plan = continuePlan(begun.plan, PAIRS_A_TICK);
  const isFinished = isComplete(plan);
  // Its time runs from when it is finished.
  const sinceMs = isComplete(begun.plan) ? begun.sinceMs : turn.nowMs;
  change(turn, { plan: { ...begun, plan, sinceMs } });
  if (!isFinished) change(turn, { placement: 'due' });
  return isFinished ? plan : undefined;
}

function beginStanding({ state, nowMs }: Turn, candidates: string, plan: OrphanPlan): StandingPlan {
  return { plan, candidates, desired: state.desired, sinceMs: nowMs };
}

/** The names in all the different lists of candidates. Lists are shared, so there are few. */
function namesOf(orphans: readonly Orphan[]): string {
  const lists = new Set(orphans.map(({ candidates }) => candidates));
  return [...lists]
    .map((list) => list.map(({ node }) => node).join(' '))
    .sort()
    .join('; ');
}

/**
 * This node's 1-based place in the fallback order: the candidates in the order of names, from a place that the address
 * chooses. Whoever sees other members than the rest does may compute another owner; this makes sure that somebody takes
 * it all the same, and most often one at a time. It costs no hash, since nothing hangs on its being even.
 */
function turnOf(turn: Turn, vip: IpAddress, candidates: readonly VipCandidate[]): number {
  if (isUnheard(turn, candidates)) return candidates.length + 1;
  const names = foremost(candidates)
    .map(({ node }) => node)
    .sort();
  const index = names.indexOf(turn.state.self.node);
  if (index < 0) return candidates.length;
  const first = Number(vip.value % BigInt(names.length));
  return ((index - first + names.length) % names.length) + 1;
}

/** Whether a candidate that is heard here does not hear this node. It cannot yield, so it goes first. */
function isUnheard(turn: Turn, candidates: readonly VipCandidate[]): boolean {
  const { timing, members } = turn.state;
  const deaf = members.filter((member) => isDeaf(member, timing.oneWayAfterMs, turn.nowMs));
  return deaf.length > 0 && deaf.some((member) => candidates.some(({ node }) => node === member.node));
}

function isStarting({ state, nowMs }: Turn): boolean {
  return nowMs - state.phaseSinceMs < state.timing.listenMs;
}

/** A member that just came may own what looks orphaned here. Its list is on the way, or it does not come at all. */
function isAwaitingLists(turn: Turn): boolean {
  const { members, timing } = turn.state;
  return members.some(
    (member) =>
      member.claimsVersion === undefined &&
      member.claimCount > 0 &&
      turn.nowMs - member.sinceMs < timing.listenAtMostMs,
  );
}
