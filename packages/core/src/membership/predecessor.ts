// SPDX-License-Identifier: Apache-2.0
/**
 * Who had a VIP before this node, why no longer, and until when it was heard: told to people with what is taken over,
 * and never decided by.
 */
import type { Claims } from './claim.ts';
import type { Succession } from './event.ts';
import { lastSignMs, type Member } from './member.ts';
import type { MembershipState, Predecessor } from './state.ts';

/** The predecessors with what a member claimed that is not heard any more or has said goodbye. */
export function afterLoss(
  state: MembershipState,
  member: Member,
  { why, nowMs }: { readonly why: 'silent' | 'gone'; readonly nowMs: number },
): MembershipState['predecessors'] {
  const isSilent = why === 'silent';
  const lastMs = isSilent ? lastSignMs(member) : nowMs;
  return withPredecessor(state, member.claims, { node: member.node, cause: isSilent ? 'silent' : 'left', lastMs });
}

/** With what a member claimed that hears nobody and answers nothing. */
export function afterDarkness(state: MembershipState, member: Member): MembershipState['predecessors'] {
  const lastMs = member.answeredMs ?? member.trial?.firstMs ?? member.heardMs;
  return withPredecessor(state, member.claims, { node: member.node, cause: 'cut-off', lastMs });
}

/** With what a member that is heard claims no longer. One that listens again was too late with its heartbeats. */
export function afterGivingUp(
  state: MembershipState,
  member: Member,
  { claims, nowMs }: { readonly claims: Claims; readonly nowMs: number },
): MembershipState['predecessors'] {
  const given = new Map([...member.claims].filter(([key]) => !claims.has(key)));
  const cause = member.phase === 'listening' ? 'lapsed' : 'gave-up';
  return withPredecessor(state, given, { node: member.node, cause, lastMs: nowMs });
}

/** With what this node claimed until it fell silent; the last tick is the last time that it was surely well. */
export function afterOwnSilence(state: MembershipState): MembershipState['predecessors'] {
  return withPredecessor(state, state.claims, { node: state.self.node, cause: 'lapsed', lastMs: state.tickedMs });
}

// What this node owns, and what nobody wants, is no news.
function withPredecessor(
  state: MembershipState,
  claims: Claims,
  predecessor: Predecessor,
): MembershipState['predecessors'] {
  const { desired, claims: own, predecessors, self } = state;
  const isNews = (key: string) => desired.has(key) && (predecessor.node === self.node || !own.has(key));
  const keys = [...claims.keys()].filter(isNews);
  if (keys.length === 0) return predecessors;
  // One object for all: a node may leave thousands of VIPs.
  return new Map([...predecessors, ...keys.map((key) => [key, predecessor] as const)]);
}

/** What is told of a VIP that was an orphan until now. */
export function successionOf({ predecessors }: MembershipState, key: string, nowMs: number): Succession | undefined {
  const before = predecessors.get(key);
  return before && { from: before.node, cause: before.cause, unansweredMs: Math.max(0, nowMs - before.lastMs) };
}

/** What is told of a VIP that its owner, of this boot id, offered: it answers until it hears the claim. */
export function offeredBy(state: MembershipState, key: string, bootId: string | undefined): Succession | undefined {
  const owner = state.members.find((one) => one.bootId === bootId);
  return owner && { from: owner.node, cause: causeOfOffer(state, key, owner), unansweredMs: 0 };
}

function causeOfOffer({ desired, rebalance }: MembershipState, key: string, owner: Member): Succession['cause'] {
  if (owner.phase === 'leaving') return 'leaving';
  if (!desired.get(key)?.candidates.some(({ node }) => node === owner.node)) return 'not-eligible';
  if (owner.fitness === 'unfit') return 'unfit';
  // An order by a person is known to the owner alone; who reads the orders can tell it apart.
  return rebalance === 'off' ? 'handed-over' : 'rebalance';
}
