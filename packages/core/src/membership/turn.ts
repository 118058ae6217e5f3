// SPDX-License-Identifier: Apache-2.0
/** One step under way: the state so far and the actions so far. Only the functions of one step share it. */

import type { MembershipAction, MembershipReport, SilenceCause, StopReason } from './event.ts';
import type { Member } from './member.ts';
import { afterLoss, afterOwnSilence } from './predecessor.ts';
import type { Company, MembershipState, OwnClaim } from './state.ts';

export interface Turn {
  state: MembershipState;
  readonly nowMs: number;
  readonly actions: MembershipAction[];
}

/** Lists ride along on heartbeats for this many intervals after this node's claims changed, against loss. */
const RIDE_INTERVALS = 4;

/** What a node owned before it fell silent is remembered for so long, if it owned it for as long as that. */
export const FORMER_MS = 10_000;
const OWNED_MS = 1000;

/** Counters of members that are gone are kept for this many of them. */
const MAX_RETIRED = 1024;

export function change(turn: Turn, changes: Partial<MembershipState>): void {
  turn.state = { ...turn.state, ...changes };
}

export function changeCompany(turn: Turn, changes: Partial<Company>): void {
  change(turn, { company: { ...turn.state.company, ...changes } });
}

export function act(turn: Turn, action: MembershipAction): void {
  turn.actions.push(action);
}

export function report(turn: Turn, what: MembershipReport): void {
  act(turn, { type: 'report', report: what });
}

/** Stops every answer, gives up every claim and goes back to listening, unless the node is leaving anyway. */
export function fallSilent(turn: Turn, cause: SilenceCause): void {
  act(turn, { type: 'stop-all', cause });
  const { state, nowMs } = turn;
  if (cause === 'lapsed' || cause === 'was-away') rememberOwn(turn);
  if (cause === 'lapsed' || cause === 'was-away') change(turn, { predecessors: afterOwnSilence(state) });
  const phase = state.phase === 'leaving' ? 'leaving' : 'listening';
  changeClaims(turn, new Map());
  change(turn, {
    phase,
    phaseSinceMs: phase === state.phase && phase === 'leaving' ? state.phaseSinceMs : nowMs,
    orphans: new Map(),
    doubts: new Map(),
    plan: undefined,
    handOvers: new Map(),
    invitations: new Map(),
  });
  if (phase !== state.phase) report(turn, { kind: 'phase', phase });
}

/**
 * What this node owned for longer than a fault takes: after a lapse it takes that back first. What it took meanwhile
 * from others that lapsed a moment before is theirs.
 */
function rememberOwn(turn: Turn): void {
  const { state, nowMs } = turn;
  const isRecent = nowMs - state.lapsedMs < FORMER_MS;
  const owned = [...state.claims].filter(([, { sinceMs }]) => nowMs - sinceMs >= OWNED_MS).map(([key]) => key);
  change(turn, { former: new Set([...(isRecent ? state.former : []), ...owned]), lapsedMs: nowMs });
}

/** Says that a VIP is no longer answered; {@link giveUp} takes the claims back, many at once. */
export function stopAnswering(turn: Turn, key: string, reason: StopReason): void {
  const own = turn.state.claims.get(key);
  if (own) act(turn, { type: 'stop', vip: own.vip, reason });
}

/** Takes back the claims of VIPs that this node has stopped to answer for. */
export function giveUp(turn: Turn, keys: readonly string[]): void {
  const claims = new Map(turn.state.claims);
  const handOvers = new Map(turn.state.handOvers);
  for (const key of keys) {
    claims.delete(key);
    handOvers.delete(key);
  }
  changeClaims(turn, claims);
  change(turn, { handOvers });
}

/** Replaces this node's claims; everybody is told at once. */
export function changeClaims(turn: Turn, claims: ReadonlyMap<string, OwnClaim>): void {
  change(turn, {
    claims,
    claimsVersion: turn.state.claimsVersion + 1,
    lists: 'urgent',
    ridesUntilMs: turn.nowMs + RIDE_INTERVALS * turn.state.timing.intervalMs,
    placement: 'due',
    balancedMs: turn.nowMs,
  });
}

/** Forgets everybody: what was heard is older than this node can tell. Their counters and all terms stay known. */
export function forgetMembers(turn: Turn): void {
  for (const member of turn.state.members) {
    retire(turn, member);
    miss(turn, member);
    change(turn, { predecessors: afterLoss(turn.state, member, { why: 'silent', nowMs: turn.nowMs }) });
    // Whoever is not heard again may have gone on all the same.
    rememberClaims(turn, member, 'unasked');
  }
  // So may have whoever took over what was asked for before.
  const silentClaims = new Map([...turn.state.silentClaims].map(([key, one]) => [key, { ...one, wasAsked: false }]));
  change(turn, { members: [], silentClaims, demands: new Map(), changedMs: turn.nowMs });
}

/** Puts the new facts about a member in the place of the old ones. */
export function putMember(turn: Turn, member: Member): void {
  const { members } = turn.state;
  const index = members.findIndex((one) => one.bootId === member.bootId);
  change(turn, { members: index < 0 ? [...members, member] : members.with(index, member) });
}

/** What a member claimed that may go on with it unheard: whoever takes over yields to it when it is back. */
export function rememberClaims(
  turn: Turn,
  { claims, mac }: Pick<Member, 'claims' | 'mac'>,
  how: 'asked' | 'unasked',
): void {
  if (claims.size === 0) return;
  const silentClaims = new Map(turn.state.silentClaims);
  const wasAsked = how === 'asked';
  for (const [key, { term, yieldsTo, isFresh }] of claims)
    if (turn.state.desired.has(key))
      silentClaims.set(key, { yieldsTo: yieldsTo ?? term, isFresh: isFresh === true, wasAsked, mac });
  change(turn, { silentClaims });
}

/** Notes that a node fell silent without having been asked for anything, or that it is heard. */
export function noteUnasked(turn: Turn, node: string, how: 'silent' | 'heard'): void {
  const { company } = turn.state;
  if (company.unasked.has(node) === (how === 'silent')) return;
  const unasked = new Set(company.unasked);
  unasked[how === 'silent' ? 'add' : 'delete'](node);
  changeCompany(turn, { unasked });
}

// It counts among those that should be heard for a while.
function miss(turn: Turn, { node, heardMs }: Pick<Member, 'node' | 'heardMs'>): void {
  changeCompany(turn, { absent: new Map(turn.state.company.absent).set(node, heardMs) });
}

/**
 * The counters of all that were heard, members included: what a machine must know that follows this one on the same
 * segment.
 */
export function countersHeard(state: MembershipState): ReadonlyMap<string, number> {
  const turn: Turn = { state, nowMs: state.tickedMs, actions: [] };
  forgetMembers(turn);
  return turn.state.retired;
}

/** Remembers the counter of a member that is gone, and forgets the oldest such memory when there are too many. */
export function retire(turn: Turn, member: Pick<Member, 'bootId' | 'counter'>): void {
  const retired = new Map(turn.state.retired);
  // Deleted first, so that it becomes the youngest.
  retired.delete(member.bootId);
  retired.set(member.bootId, member.counter);
  const [oldest] = retired.keys();
  if (retired.size > MAX_RETIRED && oldest !== undefined) retired.delete(oldest);
  change(turn, { retired });
}

function noteFarewell(turn: Turn, bootId: string): void {
  const { state, nowMs } = turn;
  const recent = [...state.farewells].filter(([, atMs]) => nowMs - atMs < FORMER_MS);
  change(turn, { farewells: new Map(recent).set(bootId, nowMs) });
}

/** Takes a member out of the table. */
export function lose(turn: Turn, member: Member, why: 'silent' | 'gone'): void {
  retire(turn, member);
  change(turn, { predecessors: afterLoss(turn.state, member, { why, nowMs: turn.nowMs }) });
  if (why === 'silent') {
    miss(turn, member);
    const isAsked = member.trial !== undefined && !member.trial.isAnsweredElsewhere;
    rememberClaims(turn, member, isAsked ? 'asked' : 'unasked');
    if (member.trial === undefined) noteUnasked(turn, member.node, 'silent');
  } else noteFarewell(turn, member.bootId);
  if (member.answeringSinceMs !== undefined) report(turn, { kind: 'owner-answers', node: member.node, state: 'ended' });
  change(turn, {
    members: turn.state.members.filter((one) => one.bootId !== member.bootId),
    placement: 'due',
    changedMs: turn.nowMs,
  });
  report(turn, { kind: 'member-lost', node: member.node, bootId: member.bootId, why });
}
