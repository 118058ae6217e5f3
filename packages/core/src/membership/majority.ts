// SPDX-License-Identifier: Apache-2.0
/**
 * Whether this node hears more than half of the others: of those that it heard a moment ago, or of all that may own
 * anything.
 */
import type { VipCandidate } from '../placement/candidate.ts';
import type { DesiredVip } from './event.ts';
import type { Member } from './member.ts';
import { pauseMs } from './question-pace.ts';
import type { MembershipState } from './state.ts';

/**
 * Parts of "dead after": when a member counts as heard for a takeover, when witnesses are asked, when a member is dead,
 * when this node is cut off.
 */
export const [SUSPECTED, SILENT, DEAD, GONE] = [0.5, 0.8, 1, 1.1];

/**
 * Whether more than half of the nodes are heard, itself counted: those whose last frame, or answer to a question, is
 * younger than this part of "dead after". Who answers is there, and so is this node, though no heartbeat passes between
 * them.
 */
export function hearsMost(state: MembershipState, nowMs: number, part: number): boolean {
  const { members, company, self } = state;
  const heard = new Set([self.node]);
  const pause = pauseMs(state);
  for (const one of members) if (nowMs - lastContactMs(one, pause) < one.deadAfterMs * part) heard.add(one.node);
  // Nobody is no company: a node that hears none needs a witness, unless there is no other, or all others said goodbye.
  if (heard.size === 1) return !hasOthers(state);
  const all = new Set([...heard, ...members.map(({ node }) => node), ...company.absent.keys()]);
  if (company.freshness === 'fresh') for (const name of state.candidateNames) all.add(name);
  return heard.size * 2 > all.size;
}

// Where many are asked, each of them is asked less often.
function lastContactMs({ heardMs, answeredMs }: Member, pause: number): number {
  return Math.max(heardMs, (answeredMs ?? Number.NEGATIVE_INFINITY) + pause);
}

function hasOthers({ candidateNames: names, members, company, self }: MembershipState): boolean {
  if (members.length > 0 || company.absent.size > 0) return true;
  return company.freshness === 'fresh' && [...names].some((name) => name !== self.node);
}

/** Whether more than half of all nodes that may own anything are not heard: they may go on together elsewhere. */
export function areMostElsewhere(state: MembershipState, nowMs: number): boolean {
  const [heard, all] = countHeard(state, nowMs, SUSPECTED);
  return heard * 2 < all;
}

/** Whether more than half of all nodes that may own anything are heard, itself counted. */
export function hearsMostOfCluster(state: MembershipState, nowMs: number): boolean {
  const [heard, all] = countHeard(state, nowMs, DEAD);
  return heard * 2 > all;
}

/** This node, those that it heard within this part of "dead after", and all that may own anything. */
function countHeard(
  { members, candidateNames: names, self }: MembershipState,
  nowMs: number,
  part: number,
): [heard: number, all: number] {
  const heard = new Set([self.node]);
  for (const one of members) if (nowMs - one.heardMs < one.deadAfterMs * part) heard.add(one.node);
  return [heard.size, new Set([...heard, ...names]).size];
}

/** The names of all nodes that may own anything. Lists of candidates are shared, so there are few. */
export function candidateNames(vips: Iterable<DesiredVip>): ReadonlySet<string> {
  const lists = new Set<readonly VipCandidate[]>();
  for (const { candidates } of vips) lists.add(candidates);
  return new Set([...lists].flatMap((list) => list.map(({ node }) => node)));
}
