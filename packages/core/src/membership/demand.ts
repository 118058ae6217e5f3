// SPDX-License-Identifier: Apache-2.0
/**
 * Which VIPs a node that is cut off without a witness may serve (docs/design/0012-ask-before-you-take.md, section 4):
 * those that a host has asked for since then. Nobody else could use its answers, and at the moment of healing they
 * would reach clients of the owners that were never cut off.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { currentPaceMs } from './state.ts';
import { change, type Turn } from './turn.ts';

/**
 * After so many intervals without a new member the host that asked is on this side of the fault: had the fault ended
 * just before its question, the others' heartbeats would be here by now.
 */
const ALONE_INTERVALS = 3;

/**
 * Questions of before may still be read when the fault has begun: where many are asked they wait in the socket, for 0.3
 * s at most. So none counts before this node has been cut off for so long, in milliseconds.
 */
const DRAINED_MS = 1_000;

/** Notes that a host which is no member asked for a VIP. Counts only while this node is cut off, and not at once. */
export function hearDemand(turn: Turn, vip: IpAddress): void {
  const { company, demands, desired } = turn.state;
  const key = String(vip);
  if (company.cutOffSinceMs === undefined || turn.nowMs - company.cutOffSinceMs < DRAINED_MS) return;
  if (demands.has(key) || !desired.has(key)) return;
  change(turn, { demands: new Map(demands).set(key, turn.nowMs), placement: 'due' });
}

/** Forgets who asked: somebody is heard who was not, so nobody knows on which side those hosts are. */
export function forgetDemands(turn: Turn): void {
  if (turn.state.demands.size > 0) change(turn, { demands: new Map() });
}

/** The VIPs that may be served provisionally by now, by their text, and since when. */
export function demandedSinceMs({ state, nowMs }: Turn): ReadonlyMap<string, number> {
  const waitMs = ALONE_INTERVALS * currentPaceMs(state);
  const since = [...state.demands].map(([key, askedMs]) => [key, askedMs + waitMs] as const);
  return new Map(since.filter(([, sinceMs]) => sinceMs <= nowMs));
}
