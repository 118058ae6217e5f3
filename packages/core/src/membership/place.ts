// SPDX-License-Identifier: Apache-2.0
/**
 * What a node does about the VIPs of the cluster, once it has listened: keeps what it owns and may own, takes what falls to it,
 * and takes what others left lying. Pure functions of members, candidates and claims decide; see placement/.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { type Orphan, orderNodes, placeOrphans, type VipCandidate } from '../placement/candidate.ts';
import { type Claimant, compareClaims, nextTerm } from './claim.ts';
import type { AnswerReason, DesiredVip } from './event.ts';
import { isDeaf, type Member } from './member.ts';
import type { OwnClaim } from './state.ts';
import { act, change, changeClaims, giveUp, stopAnswering, type Turn } from './turn.ts';

/**
 * Orphans times candidates that are looked at in one tick: each pair may cost a hash. Only crowded segments need more than one
 * tick, when most VIPs have lost their owners or none ever had one.
 */
const PAIRS_A_TICK = 20_000;

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

/** The candidates whose speakers are heard and at work; the same array for the same array, since many VIPs share one. */
export function presentCandidates(
  turn: Turn,
  who: 'at-work' | 'at-work-or-starting',
): (vip: DesiredVip) => readonly VipCandidate[] {
  const names = new Set<string>();
  const isPresent = ({ phase }: Pick<Member, 'phase'>) =>
    phase === 'active' || (who === 'at-work-or-starting' && phase === 'listening');
  for (const member of turn.state.members) if (isPresent(member)) names.add(member.node);
  if (isPresent(turn.state)) names.add(turn.state.self.node);
  const known = new Map<readonly VipCandidate[], readonly VipCandidate[]>();
  return ({ candidates }) => {
    const present = known.get(candidates) ?? candidates.filter(({ node }) => names.has(node));
    known.set(candidates, present);
    return present;
  };
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
  const atWork = presentCandidates(turn, 'at-work');
  const starting = presentCandidates(turn, isStarting(turn) ? 'at-work-or-starting' : 'at-work');
  const found = [...turn.state.desired].flatMap(([key, desired]) => {
    if (owners.has(key)) return [];
    // A VIP that nobody ever had can wait for nodes that start together with this one; one that was served cannot.
    const candidates = turn.state.terms.has(key) ? atWork(desired) : starting(desired);
    return candidates.length === 0 ? [] : [{ key, vip: desired.vip, candidates }];
  });
  const since = new Map(found.map(({ key }) => [key, turn.state.orphans.get(key) ?? turn.nowMs]));
  change(turn, { orphans: since });
  const orphans = affordable(found);
  if (orphans.length === 0 || isAwaitingLists(turn)) return;
  const placed = placeOrphans(orphans, loads);
  const taken = orphans.flatMap((orphan): Taken[] => {
    const waitedMs = turn.nowMs - (since.get(orphan.key) ?? turn.nowMs);
    const isOurs = placed.get(orphan.key) === turn.state.self.node && !isUnheard(turn, orphan.candidates);
    if (isOurs) return [{ vip: orphan.vip, reason: turn.state.terms.has(orphan.key) ? 'orphaned' : 'new' }];
    if (waitedMs < turn.state.timing.patienceMs) return [];
    return waitedMs >= patienceOf(turn, orphan, loads) ? [{ vip: orphan.vip, reason: 'left-over' }] : [];
  });
  take(turn, taken);
}

/**
 * How long this node leaves an orphan to those before it in order. Whoever sees other members than the rest does may compute
 * another owner; this makes sure that somebody takes it all the same, and most often one at a time.
 */
function patienceOf(
  turn: Turn,
  { vip, candidates }: { vip: IpAddress; candidates: readonly VipCandidate[] },
  loads: ReadonlyMap<string, number>,
): number {
  const index = orderNodes(vip, candidates, loads).indexOf(turn.state.self.node);
  if (index < 0) return Number.POSITIVE_INFINITY;
  const rank = isUnheard(turn, candidates) ? candidates.length : Math.max(1, index);
  return rank * turn.state.timing.patienceMs;
}

/** Whether a candidate that is heard here does not hear this node. It cannot yield, so it goes first. */
function isUnheard(turn: Turn, candidates: readonly VipCandidate[]): boolean {
  const { timing, members } = turn.state;
  const deaf = members.filter((member) => isDeaf(member, timing.oneWayAfterMs, turn.nowMs));
  return deaf.length > 0 && deaf.some((member) => candidates.some(({ node }) => node === member.node));
}

/** As many as one tick can afford, the lowest addresses first, so that all nodes look at the same ones. */
function affordable<One extends Orphan>(orphans: readonly One[]): readonly One[] {
  const pairs = orphans.reduce((sum, { candidates }) => sum + candidates.length, 0);
  if (pairs <= PAIRS_A_TICK) return orphans;
  const count = Math.max(1, Math.floor((orphans.length * PAIRS_A_TICK) / pairs));
  return [...orphans].sort((a, b) => a.vip.compare(b.vip)).slice(0, count);
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
