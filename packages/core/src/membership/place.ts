// SPDX-License-Identifier: Apache-2.0
/**
 * What a node does about the VIPs of the cluster, once it has listened: keeps what it owns and may own, takes what falls to it,
 * and takes what others left lying. Pure functions of members, candidates and claims decide; see placement/.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { foremost, type Orphan, type VipCandidate } from '../placement/candidate.ts';
import { beginPlan, continuePlan, isComplete, type OrphanPlan } from '../placement/orphan-plan.ts';
import type { NodeFitness } from '../wire/heartbeat.ts';
import { type Claimant, compareClaims, nextTerm } from './claim.ts';
import type { AnswerReason, DesiredVip } from './event.ts';
import { isDeaf, type Member } from './member.ts';
import type { OwnClaim, StandingPlan } from './state.ts';
import { act, change, changeClaims, giveUp, stopAnswering, type Turn } from './turn.ts';

/** Orphans times candidates that are looked at in one tick: each pair may cost a hash. Only crowded segments need several ticks. */
const PAIRS_A_TICK = 10_000;

/** A large plan stands for so many intervals. */
const PLAN_INTERVALS = 4;

/** A VIP that nobody ever had may wait so many times longer for the node whose turn it is: a crowd that starts has much to plan. */
const NEW_PATIENCE = 5;

/** Who owns what, as far as is heard here; this node's own claims included. */
export interface Ownership {
  /** By the text of the VIP. */
  readonly owners: ReadonlyMap<string, Claimant>;
  /** VIPs owned by each node. */
  readonly loads: ReadonlyMap<string, number>;
}

/** A VIP to take, with the reason. */
interface Taken {
  readonly vip: IpAddress;
  readonly reason: AnswerReason;
}

interface KeyedOrphan extends Orphan {
  readonly key: string;
}

/** Decides about every VIP of the cluster once. */
export function place(turn: Turn): void {
  change(turn, { placement: 'settled' });
  releaseUnwanted(turn);
  acceptInvitations(turn);
  if (turn.state.phase === 'active') adoptOrphans(turn);
}

/** Of several claimants of one VIP only the best counts. */
export function ownershipOf(turn: Turn): Ownership {
  const { self, claims, members } = turn.state;
  const owners = new Map<string, Claimant>();
  for (const [key, { term }] of claims) owners.set(key, { node: self.node, bootId: self.bootId, term });
  for (const { node, bootId, claims: theirs } of members) {
    for (const [key, { term }] of theirs) {
      const claimant = { node, bootId, term };
      const before = owners.get(key);
      if (before === undefined || compareClaims(key, claimant, before) < 0) owners.set(key, claimant);
    }
  }
  const loads = new Map<string, number>();
  for (const { node } of owners.values()) loads.set(node, (loads.get(node) ?? 0) + 1);
  return { owners, loads };
}

/**
 * The candidates whose speakers are heard and at work; one that says it is unfit is a last resort. The same array for the same array, since
 * many VIPs share one.
 */
export function presentCandidates(
  turn: Turn,
  who: 'at-work' | 'at-work-or-starting',
): (vip: DesiredVip) => readonly VipCandidate[] {
  const names = new Map<string, NodeFitness>();
  const isPresent = ({ phase }: Pick<Member, 'phase'>) =>
    phase === 'active' || (who === 'at-work-or-starting' && phase === 'listening');
  for (const member of turn.state.members) if (isPresent(member)) names.set(member.node, member.fitness);
  if (isPresent(turn.state)) names.set(turn.state.self.node, turn.state.fitness);
  const known = new Map<readonly VipCandidate[], readonly VipCandidate[]>();
  return ({ candidates }) => {
    const present = known.get(candidates) ?? presentOf(candidates, names);
    known.set(candidates, present);
    return present;
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

function releaseUnwanted(turn: Turn): void {
  const { claims, desired } = turn.state;
  const unwanted = [...claims.keys()].filter((key) => !desired.has(key));
  for (const key of unwanted) stopAnswering(turn, key, 'not-wanted');
  if (unwanted.length > 0) giveUp(turn, unwanted);
}

/** Takes what owners offered, unless somebody else was faster. */
function acceptInvitations(turn: Turn): void {
  const { state } = turn;
  if (state.invitations.size === 0) return;
  const { owners } = ownershipOf(turn);
  const isTakeable = ([key, { term }]: [string, { term: number }]) => {
    const desired = state.desired.get(key);
    const owner = owners.get(key);
    const isStale = owner !== undefined && (owner.term > term || owner.bootId === state.self.bootId);
    return desired !== undefined && isOwnCandidate(turn, desired) && !isStale;
  };
  const taken = state.phase === 'active' ? [...state.invitations].filter(isTakeable) : [];
  change(turn, { invitations: new Map() });
  take(
    turn,
    taken.map(([, { vip }]) => ({ vip, reason: 'handed-over' })),
  );
}

function adoptOrphans(turn: Turn): void {
  const { owners, loads } = ownershipOf(turn);
  const orphans = orphansOf(turn, owners);
  const since = new Map(orphans.map(({ key }) => [key, turn.state.orphans.get(key) ?? turn.nowMs]));
  change(turn, { orphans: since, plan: orphans.length === 0 ? undefined : turn.state.plan });
  if (orphans.length === 0 || isAwaitingLists(turn)) return;
  const plan = planFor(turn, orphans, loads);
  if (plan === undefined) return;
  const taken = orphans.flatMap(({ key, vip, candidates }): Taken[] => {
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
  take(turn, taken);
}

function orphansOf(turn: Turn, owners: Ownership['owners']): KeyedOrphan[] {
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
 * The finished plan, or undefined while it needs another tick. A small one is made anew each time, from what is claimed by then. A
 * large one stands for a few intervals, until the others have carried out their parts.
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
  if (!isValid && pairs <= PAIRS_A_TICK) {
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
 * When it is this node's turn to take what was left lying, from 1: the candidates in the order of names, from a place that the
 * address chooses. Whoever sees other members than the rest does may compute another owner; this makes sure that somebody takes
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

function take(turn: Turn, taken: readonly Taken[]): void {
  if (taken.length === 0) return;
  const claims = new Map<string, OwnClaim>(turn.state.claims);
  const terms = new Map(turn.state.terms);
  const orphans = new Map(turn.state.orphans);
  for (const { vip, reason } of taken) {
    const key = String(vip);
    const term = nextTerm(terms.get(key));
    claims.set(key, { vip, term, sinceMs: turn.nowMs });
    terms.set(key, term);
    orphans.delete(key);
    act(turn, { type: 'answer', vip, term, reason });
  }
  changeClaims(turn, claims);
  change(turn, { terms, orphans, placement: 'settled' });
}
