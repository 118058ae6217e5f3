// SPDX-License-Identifier: Apache-2.0
/** What may be taken at once, and what is asked for on the wire first. */
import { foremost } from '../placement/candidate.ts';
import { isConnected } from './company.ts';
import type { AnswerReason, DesiredVip } from './event.ts';
import { isHeard, isUnheard } from './member.ts';
import { Doubts } from './orphan-doubt.ts';
import type { Ownership } from './ownership.ts';
import type { MembershipState } from './state.ts';
import type { Taken } from './take.ts';
import { FORMER_MS, type Turn } from './turn.ts';

/**
 * Where most nodes are not heard, those that are take what is new at once and have looked whether a stranger uses it by
 * then, in milliseconds; the others follow one after the other.
 */
const UNHEARD_MS = 1_000;
const UNHEARD_STEP_MS = 500;
const UNHEARD_STEPS = 10;

/**
 * What may be taken of it now. Where somebody may own it unheard, it is asked for first: while this node has only just
 * come, or is cut off, or a member answers that is not heard. What a silent owner left that did not answer was asked
 * for before it was given up.
 */
export function withoutDoubt(
  turn: Turn,
  taken: readonly Taken[],
  { owners, former }: { readonly owners: Ownership['owners']; readonly former: ReadonlySet<string> },
): Taken[] {
  const { state, nowMs } = turn;
  const doubts = new Doubts(turn);
  const isSomebodySilent = taken.length > 0 && isAnybodySilent(state, nowMs);
  const isUnsure = taken.length > 0 && (!isConnected(state, nowMs) || isSomebodySilent || knowsLittle(state, nowMs));
  // What this node had until it fell silent, nobody else took unless somebody lives who is not heard.
  const isStillOwn = (key: string) => former.has(key) && !isSomebodySilent;
  const isFresh = state.company.freshness === 'fresh';
  // What was left lying may have been taken unheard since its owner was asked.
  const isAsked = (key: string, reason: AnswerReason) =>
    reason !== 'left-over' && state.silentClaims.get(key)?.wasAsked === true && isConnected(state, nowMs);
  // Of what was claimed in its hearing, a node that has just come knows that it was given up. Whoever left it lying may
  // hear an owner.
  const mayBeOwned = (key: string, reason: AnswerReason) =>
    isUnsure ||
    reason === 'left-over' ||
    (isFresh && !state.terms.has(key)) ||
    state.silentClaims.get(key)?.wasAsked === false;
  doubts.keep((key) => !owners.has(key) && state.desired.has(key));
  const clear = taken.filter(({ vip, reason }) => {
    const key = String(vip);
    const turnMs = unheardTurnMs(turn, state.desired.get(key));
    if (turnMs !== undefined && nowMs - (state.orphans.get(key) ?? nowMs) < turnMs) return false;
    const placeOf = () => unheardBefore(turn, state.desired.get(key));
    if (turnMs !== undefined) return doubts.isOver(key, vip, placeOf);
    if (!doubts.has(key) && (!mayBeOwned(key, reason) || isAsked(key, reason) || isStillOwn(key))) return true;
    return doubts.isOver(key, vip, placeOf);
  });
  for (const { vip } of clear) doubts.end(String(vip));
  doubts.store();
  return clear;
}

/**
 * Whether somebody may live who is not heard here: a member that answers for its VIPs or that others vouch for, or one
 * that is no member here and stands in the list of a node that is heard.
 */
function isAnybodySilent({ members, self, farewells }: MembershipState, nowMs: number): boolean {
  if (members.some((one) => isUnheard(one, nowMs))) return true;
  const known = new Set([self.bootId, ...farewells.keys(), ...members.map(({ bootId }) => bootId)]);
  return members.some(({ view }) => view !== undefined && [...view].some((bootId) => !known.has(bootId)));
}

/** Whether this node forgot others a moment ago and has not heard most of them since. */
function knowsLittle({ company, members, lapsedMs }: MembershipState, nowMs: number): boolean {
  const hasOthers = members.length > 0 || company.absent.size > 0;
  return nowMs - lapsedMs < FORMER_MS && company.manySinceMs === undefined && hasOthers;
}

/**
 * How long a VIP that nobody is known to have owned lies before this node takes it, where at least half of the nodes
 * that should own it fell silent and could not be asked, since they owned nothing: they may be at work all the same,
 * hear no more than this node, and take it as well. One after the other asks for it. Undefined: no need.
 */
function unheardTurnMs({ state }: Turn, desired: DesiredVip | undefined): number | undefined {
  const { unasked } = state.company;
  if (unasked.size === 0 || desired === undefined || state.terms.has(String(desired.vip))) return undefined;
  const names = desired.candidates.flatMap(({ node, standing }) => (standing === 'eligible' ? [node] : [])).sort();
  const silent = names.filter((node) => unasked.has(node)).length;
  if (silent === 0 || 2 * silent < names.length) return undefined;
  const first = Number(desired.vip.value % BigInt(names.length));
  const place = (names.indexOf(state.self.node) - first + names.length) % names.length;
  return UNHEARD_MS + UNHEARD_STEP_MS * (place % UNHEARD_STEPS);
}

/**
 * How many of those that should own it and are not heard here go before this node, in an order that the address
 * chooses.
 */
function unheardBefore({ state, nowMs }: Turn, desired: DesiredVip | undefined): number {
  if (desired === undefined) return 0;
  const heard = new Set(state.members.filter((one) => isHeard(one, nowMs)).map(({ node }) => node));
  const names = foremost(desired.candidates)
    .map(({ node }) => node)
    .sort();
  const first = Number(desired.vip.value % BigInt(Math.max(1, names.length)));
  const ordered = [...names.slice(first), ...names.slice(0, first)];
  const own = ordered.indexOf(state.self.node);
  const before = own < 0 ? ordered : ordered.slice(0, own);
  return Math.min(UNHEARD_STEPS, before.filter((node) => !heard.has(node)).length);
}
