// SPDX-License-Identifier: Apache-2.0
/** Full lists of a member: what it claims, against what this node claims, and whom it hears. */
import type { Heartbeat } from '../wire/heartbeat.ts';
import type { WireClaim } from '../wire/heartbeat-section.ts';
import { type Claims, compareClaims } from './claim.ts';
import { assemble } from './list-assembly.ts';
import { isDeaf, type Member } from './member.ts';
import { act, change, giveUp, report, stopAnswering, type Turn } from './turn.ts';

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
  contestAll(turn, member, part.entries);
  const { complete, assembly } = assemble(member.claimsAssembly, part);
  change(turn, { placement: 'due', movedMs: turn.nowMs });
  if (complete === undefined)
    return { ...member, claimsAssembly: assembly, claims: keyed(part.entries, member.claims) };
  return { ...member, claims: keyed(complete), claimsVersion: part.version, claimsAssembly: undefined };
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
  const claims = new Map(before);
  for (const claim of entries) claims.set(String(claim.vip), claim);
  return claims;
}

function learnTerms(turn: Turn, entries: readonly WireClaim[]): void {
  const { terms } = turn.state;
  const higher = entries.filter(({ vip, term }) => term > (terms.get(String(vip)) ?? 0));
  if (higher.length === 0) return;
  const learned = new Map(terms);
  for (const { vip, term } of higher) learned.set(String(vip), term);
  change(turn, { terms: learned });
}

function contestAll(turn: Turn, member: Member, entries: readonly WireClaim[]): void {
  if (turn.state.claims.size === 0) return;
  const worse = entries.filter((claim) => contest(turn, member, claim) === 'yield').map(({ vip }) => String(vip));
  for (const key of worse) stopAnswering(turn, key, turn.state.handOvers.has(key) ? 'handed-over' : 'better-claim');
  if (worse.length > 0) giveUp(turn, worse);
}

/**
 * Both own the VIP. Who is worse stops at once; who is better announces again, since clients may have learnt the other's MAC
 * address. A peer that cannot hear this node can never yield to it, so this node yields.
 */
function contest(turn: Turn, member: Member, claim: WireClaim): 'none' | 'keep' | 'yield' {
  const { state, nowMs } = turn;
  const key = String(claim.vip);
  const own = state.claims.get(key);
  if (own === undefined) return 'none';
  const mine = { node: state.self.node, bootId: state.self.bootId, term: own.term };
  const order = compareClaims(key, mine, { node: member.node, bootId: member.bootId, term: claim.term });
  if (order > 0 || isDeaf(member, state.timing.oneWayAfterMs, nowMs)) return 'yield';
  act(turn, { type: 'announce', vip: own.vip });
  if (state.lists === 'sent') change(turn, { lists: 'due' });
  return 'keep';
}
