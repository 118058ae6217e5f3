// SPDX-License-Identifier: Apache-2.0
/** Which members a VIP's owner wants in its set: who can take new flows, and who has older ones to keep. */
import type { SpreadVip } from './spread-event.ts';
import { byId, MAX_SET_MEMBERS, type ServeState, type SetMember } from './spread-set.ts';
import type { OwnSet, SpreadPeer, SpreadState } from './spread-state.ts';
import { takesPart } from './takes-part.ts';
import { unheardIn } from './unheard-nodes.ts';

/** Who takes no new flows since a change stays in the set for so long, whatever it says, in milliseconds. */
export const RELIEVED_FOR_MS = 2_500;

/** The members in the order of their ids, at least this node. */
export function composeSet(state: SpreadState, about: SpreadVip, own: OwnSet | undefined, nowMs: number): SetMember[] {
  const members = [...state.peers.values()]
    .filter((peer) => takesPart(peer, nowMs))
    .flatMap((peer) => standingOf(state, about, peer, { own, nowMs }) ?? []);
  const as = members.some(isServingMember) || canServe(state, about) ? 'silent' : 'serving';
  const before = about.serve === 'every-node' ? (own?.set.committed ?? []) : [];
  const unheard = unheardIn(state, before, { present: members, as });
  const self = selfIn(state, about, [...members, ...unheard]);
  const present = [self, ...members];
  const all = [...present, ...unheard, ...awayIn(state, own, [...present, ...unheard])].sort(byUse(state.self.id));
  return all.slice(0, MAX_SET_MEMBERS).sort(byId);
}

function standingOf(
  state: SpreadState,
  { vip, serve }: SpreadVip,
  peer: SpreadPeer,
  { own, nowMs }: { readonly own: OwnSet | undefined; readonly nowMs: number },
): SetMember | undefined {
  const said = peer.serves.known.get(String(vip));
  if (said === undefined) return undefined;
  if (serve === 'every-node' && said.weight > 0 && state.phase !== 'starting')
    return member(peer, 'serving', said.weight);
  const mayHold = said.holds || isServing(own, peer.id) || isJustRelieved(own, peer.id, nowMs);
  return mayHold ? member(peer, 'draining', 1) : undefined;
}

/** Until a change of the set is through, who served may have flows that it has not seen yet. */
function isServing(own: OwnSet | undefined, id: number): boolean {
  return own?.set.committed.some((one) => one.id === id && one.state === 'serving') ?? false;
}

/** Flows that began just before the last change was through are found by the readings after it. */
function isJustRelieved(own: OwnSet | undefined, id: number, nowMs: number): boolean {
  if (own === undefined || nowMs - own.committedMs >= RELIEVED_FOR_MS) return false;
  return own.set.committed.some((one) => one.id === id && one.state === 'draining');
}

// Somebody must take new flows; and who owns a VIP alone serves it, whatever its endpoints.
function selfIn(state: SpreadState, about: SpreadVip, others: readonly SetMember[]): SetMember {
  const { id, mac } = state.self;
  const isServing = canServe(state, about) || !others.some(isServingMember);
  return { id, mac, state: isServing ? 'serving' : 'draining', weight: Math.max(1, about.weight) };
}

function canServe({ phase }: SpreadState, { serve, weight }: SpreadVip): boolean {
  return phase !== 'leaving' && (serve === 'owner' || weight > 0);
}

function isServingMember({ state }: SetMember): boolean {
  return state === 'serving';
}

function awayIn({ away }: SpreadState, own: OwnSet | undefined, present: readonly SetMember[]): SetMember[] {
  const before = own?.set.committed ?? [];
  return [...away.values()]
    .filter(({ id }) => before.some((one) => one.id === id) && !present.some((one) => one.id === id))
    .map(({ id, mac }) => ({ id, mac, state: 'away' as const, weight: 1 }));
}

function member({ id, mac }: SpreadPeer, state: ServeState, weight: number): SetMember {
  return { id, mac, state, weight };
}

/** The owner first, then who takes new flows: what there is no room for is left out from the end. */
function byUse(selfId: number): (a: SetMember, b: SetMember) => number {
  const rank = ({ id, state }: SetMember) => (id === selfId ? 0 : state === 'serving' ? 1 : 2);
  return (a, b) => rank(a) - rank(b) || byId(a, b);
}
