// SPDX-License-Identifier: Apache-2.0
/**
 * Moves to a node that is preferred to the owner, and for balance, one at a time. All nodes work out the same move; the
 * owner makes it.
 */
import { nextMove, type OwnedVip } from '../placement/rebalance.ts';
import { begun, memberAtWork, offer } from './hand-over.ts';
import { oncePerList, ownershipOf, presentCandidates } from './ownership.ts';
import type { MembershipState } from './state.ts';
import { change, report, type Turn } from './turn.ts';

/**
 * A VIP that was found to be the next to move so often is left where it is until something changes: nodes disagree
 * about it, or nobody can take it. Longer than an owner takes to find out whether connections break.
 */
const LOOKS = 20;

/** Makes the next move, when it is this node's to make, and the segment is calm or a person has asked for it. */
export function rebalance(turn: Turn): void {
  const { state, nowMs } = turn;
  if (state.phase !== 'active' || state.handOvers.size > 0 || !isDue(state, nowMs)) return;
  const { owners, loads } = ownershipOf(turn);
  const present = presentCandidates(turn, 'at-work');
  const isBounded = state.rebalance === 'unbroken' || state.isRebalanceOrdered;
  const open = [...state.desired].flatMap(([key, desired]) => {
    const owner = owners.get(key)?.node;
    if (owner === undefined || (isBounded && looksAt(state, key) >= LOOKS)) return [];
    return [{ vip: desired.vip, candidates: present(desired), owner }];
  });
  const isOnlyUnbroken = state.rebalance !== 'gradual' && !state.isRebalanceOrdered;
  const move = nextMove(isOnlyUnbroken ? unbroken(state, open) : open, loads);
  change(turn, { balancedMs: nowMs });
  if (move === undefined) end(turn);
  else noteLook(turn, String(move.vip));
  const target = move?.from === state.self.node ? memberAtWork(turn, move.to) : undefined;
  if (move && target) offer(turn, String(move.vip), { ...begun(turn, 'rebalance', target), isOnlyUnbroken });
}

/**
 * Something changed for which a VIP may now have a better node than its owner. What a person moved stays until then.
 */
export function mayBeUneven(turn: Turn): void {
  const { unevenMs, evenMs } = turn.state;
  change(turn, { newsMs: turn.nowMs });
  // Each later change would put it off once more.
  if (unevenMs < evenMs || unevenMs === Number.NEGATIVE_INFINITY) change(turn, { unevenMs: turn.nowMs });
}

function isDue(state: MembershipState, nowMs: number): boolean {
  const { rebalance: policy, isRebalanceOrdered, timing, balancedMs, changedMs, unevenMs, evenMs } = state;
  if (nowMs - balancedMs < timing.rebalanceEveryMs) return false;
  if (isRebalanceOrdered) return true;
  const sinceMs = Math.max(changedMs, unevenMs);
  if (policy === 'off' || nowMs - sinceMs < timing.rebalanceCalmMs) return false;
  return policy === 'gradual' || sinceMs >= evenMs;
}

/** When anything last changed that balance depends on. */
function latestChangeMs({ changedMs, newsMs }: MembershipState): number {
  return Math.max(changedMs, newsMs);
}

function looksAt(state: MembershipState, key: string): number {
  return state.looks.sinceMs === latestChangeMs(state) ? (state.looks.times.get(key) ?? 0) : 0;
}

function noteLook(turn: Turn, key: string): void {
  const { looks } = turn.state;
  const sinceMs = latestChangeMs(turn.state);
  const times = new Map(looks.sinceMs === sinceMs ? looks.times : []);
  change(turn, { looks: { sinceMs, times: times.set(key, looksAt(turn.state, key) + 1) } });
}

/**
 * What may move without a broken connection, and where to. What this node took since the last change stays: a person
 * moved it, or it went where it belongs.
 */
function unbroken(state: MembershipState, all: readonly OwnedVip[]): OwnedVip[] {
  const { self, keepsConnections, members, claims } = state;
  const latestMs = latestChangeMs(state);
  const owned = all.filter(({ vip }) => (claims.get(String(vip))?.sinceMs ?? latestMs) <= latestMs);
  const keeping = new Set(members.filter((one) => one.keepsConnections).map(({ node }) => node));
  if (keepsConnections) keeping.add(self.node);
  const keepingOf = oncePerList((candidates) => candidates.filter(({ node }) => keeping.has(node)));
  return owned.flatMap((one) => (keeping.has(one.owner) ? [{ ...one, candidates: keepingOf(one.candidates) }] : []));
}

function end(turn: Turn): void {
  change(turn, { evenMs: turn.nowMs });
  if (!turn.state.isRebalanceOrdered) return;
  change(turn, { isRebalanceOrdered: false });
  report(turn, { kind: 'rebalanced' });
}
