// SPDX-License-Identifier: Apache-2.0
/** Full lists of a member: what it claims, against what this node claims, and whom it hears. */
import type { Heartbeat } from '../wire/heartbeat.ts';
import type { WireClaim } from '../wire/heartbeat-section.ts';
import { type Claims, compareClaims, isOfOpenLine } from './claim.ts';
import { assemble } from './list-assembly.ts';
import { isDeaf, type Member } from './member.ts';
import { claimantOf, ownClaimant } from './owner.ts';
import { afterGivingUp } from './predecessor.ts';
import { act, change, giveUp, rememberClaims, report, stopAnswering, type Turn } from './turn.ts';

/** Takes in the parts of lists that a frame carries. `member` is the sender as it is in the table now. */
export function hearLists(turn: Turn, member: Member, heartbeat: Heartbeat): void {
  const withClaims = heartbeat.claims ? hearClaims(turn, member, heartbeat.claims) : member;
  const withView = heartbeat.view ? hearView(turn, withClaims, heartbeat.view) : withClaims;
  if (withView === member) return;
  const { members } = turn.state;
  const index = members.findIndex((one) => one.bootId === member.bootId);
  if (index >= 0) change(turn, { members: members.with(index, withView) });
}

function hearClaims(turn: Turn, member: Member, part: NonNullable<Heartbeat['claims']>): Member {
  // The usual case: a repetition of what is known.
  if (part.version === member.claimsVersion) {
    contestAll(turn, member, part.entries);
    return member;
  }
  learnTerms(turn, part.entries);
  forgetSilent(turn, part.entries);
  contestAll(turn, member, part.entries);
  const { complete, assembly } = assemble(member.claimsAssembly, part);
  change(turn, { placement: 'due', balancedMs: turn.nowMs });
  if (complete === undefined)
    return { ...member, claimsAssembly: assembly, claims: keyed(part.entries, member.claims) };
  const claims = keyed(complete);
  change(turn, { predecessors: afterGivingUp(turn.state, member, { claims, nowMs: turn.nowMs }) });
  rememberYielded(turn, member, claims);
  return { ...member, claims, claimsVersion: part.version, claimsAssembly: undefined };
}

function hearView(turn: Turn, member: Member, part: NonNullable<Heartbeat['view']>): Member {
  if (part.version === member.viewVersion) return member;
  const { complete, assembly } = assemble(member.viewAssembly, part);
  if (complete === undefined) return { ...member, viewAssembly: assembly };
  const view = new Set(complete);
  const hearsUs = view.has(turn.state.self.bootId);
  const wasDeaf = isDeaf(member, turn.state.timing.oneWayAfterMs, turn.nowMs);
  if (hearsUs && wasDeaf) {
    report(turn, { kind: 'one-way', node: member.node, state: 'ended' });
    change(turn, { placement: 'due' });
  }
  const deafSinceMs = hearsUs ? undefined : (member.deafSinceMs ?? turn.nowMs);
  return { ...member, view, viewVersion: part.version, viewAssembly: undefined, deafSinceMs };
}

/** A claim that was heard is true even if the rest of the list is still missing. */
function keyed(entries: readonly WireClaim[], before?: Claims): Claims {
  // Of a long list that changed in few places most parts are known, and each copy costs as much as the whole.
  if (before && entries.every((claim) => isSameClaim(claim, before.get(String(claim.vip))))) return before;
  const claims = new Map(before);
  for (const claim of entries) claims.set(String(claim.vip), claim);
  return claims;
}

function isSameClaim(a: WireClaim, b: WireClaim | undefined): boolean {
  return a.term === b?.term && a.yieldsTo === b.yieldsTo && a.isWeak === b.isWeak && a.isFresh === b.isFresh;
}

function learnTerms(turn: Turn, entries: readonly WireClaim[]): void {
  const { terms } = turn.state;
  const higher = entries.filter(({ vip, term }) => term > (terms.get(String(vip)) ?? 0));
  if (higher.length === 0) return;
  const learned = new Map(terms);
  for (const { vip, term } of higher) learned.set(String(vip), term);
  change(turn, { terms: learned });
}

/**
 * A member that is at work and claims a VIP no longer has heard a better claim, most often, which may not have been
 * heard here yet: whoever takes the VIP must not beat that. One that leaves or listens gave up what it had; but what it
 * had taken over from a silent owner that one may hold on with.
 */
function rememberYielded(turn: Turn, member: Member, now: Claims): void {
  const { members } = turn.state;
  const isElsewhere = (key: string) => members.some((one) => one.bootId !== member.bootId && one.claims.has(key));
  const yielded = [...member.claims].filter(
    ([key, claim]) =>
      !now.has(key) &&
      (member.phase === 'active' || isOfOpenLine(claim)) &&
      !turn.state.claims.has(key) &&
      !isElsewhere(key),
  );
  rememberClaims(turn, { claims: new Map(yielded), mac: member.mac }, 'unasked');
}

/** Somebody else claims it by now, so what its silent owner claimed does not matter any more. */
function forgetSilent(turn: Turn, entries: readonly WireClaim[]): void {
  const { silentClaims } = turn.state;
  const known = silentClaims.size === 0 ? [] : entries.filter(({ vip }) => silentClaims.has(String(vip)));
  if (known.length === 0) return;
  const kept = new Map(silentClaims);
  for (const { vip } of known) kept.delete(String(vip));
  change(turn, { silentClaims: kept });
}

/**
 * What a member is known to claim, against what this node claims: when it is to be judged anew without a word of it.
 */
export function contestKnown(turn: Turn, member: Member): void {
  contestAll(turn, member, [...member.claims.values()]);
}

function contestAll(turn: Turn, member: Member, entries: readonly WireClaim[]): void {
  // What a member claims that hears nobody and answers nobody does not count.
  if (turn.state.claims.size === 0 || member.darkSinceMs !== undefined) return;
  const worse = entries.filter((claim) => contest(turn, member, claim) === 'yield').map(({ vip }) => String(vip));
  for (const key of worse) stopAnswering(turn, key, turn.state.handOvers.has(key) ? 'handed-over' : 'better-claim');
  if (worse.length > 0) giveUp(turn, worse);
}

/**
 * Both own the VIP. Who is worse stops at once; who is better announces again, since clients may have learnt the
 * other's MAC address. A peer that cannot hear this node can never yield to it, so this node yields.
 */
function contest(turn: Turn, member: Member, claim: WireClaim): 'none' | 'keep' | 'yield' {
  const { state, nowMs } = turn;
  const key = String(claim.vip);
  const own = state.claims.get(key);
  if (own === undefined) return 'none';
  const order = compareClaims(key, ownClaimant(state, own), claimantOf(member, claim));
  if (order > 0 || isDeaf(member, state.timing.oneWayAfterMs, nowMs)) return 'yield';
  act(turn, { type: 'announce', vip: own.vip });
  if (state.lists === 'sent') change(turn, { lists: 'due' });
  return 'keep';
}
