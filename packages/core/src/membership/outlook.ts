// SPDX-License-Identifier: Apache-2.0
/** What people need to see of a segment that is not as it should be, read from the state. */
import type { IpAddress } from '../net/ip-address.ts';
import { isFrail } from './company.ts';
import type { MembershipState } from './state.ts';

/** A member whose heartbeats are lost while it answers for its VIPs. */
export interface AnsweringMember {
  readonly node: string;
  readonly bootId: string;
  readonly sinceMs: number;
}

/** Members whose heartbeats are lost while they answer for their VIPs, in the order in which they came. */
export function answeringMembers({ members }: MembershipState): readonly AnsweringMember[] {
  return members.flatMap(({ node, bootId, answeringSinceMs: sinceMs }) =>
    sinceMs === undefined ? [] : [{ node, bootId, sinceMs }],
  );
}

/** Since when this node has heard neither most of the others nor a witness; undefined while it does. */
export function cutOffSinceMs({ company }: MembershipState): number | undefined {
  return company.cutOffSinceMs;
}

/** Whether this node was cut off more than once lately, so that others go before it. */
export function isUnsteady(state: MembershipState): boolean {
  return isFrail(state);
}

/** VIPs of this node that go to whoever has a firm claim, in the order in which they were taken. */
export function weakClaims(state: MembershipState): readonly IpAddress[] {
  const weak = [...state.claims.values()].filter(({ isWeak }) => isWeak);
  return weak.map(({ vip }) => vip);
}
