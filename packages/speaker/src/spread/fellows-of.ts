// SPDX-License-Identifier: Apache-2.0
/** Which speakers a segment's membership knows to be fellows, and which of them are late. Pure. */
import { isDeaf, type MembershipState, type SpreadFellow } from '@berth/core';

/** Part of "dead after" from which on a speaker is late: its node is asked by the time that it counts as lost. */
const LATE_AT = 0.375;

/**
 * Who is heard and hears this node: frames that come from them are not passed on again, so each must know the other.
 */
export function fellowsOf({ members, self, timing }: MembershipState, nowMs: number): SpreadFellow[] {
  return members
    .filter((member) => {
      const hearsUs = member.view?.has(self.bootId) === true && !isDeaf(member, timing.oneWayAfterMs, nowMs);
      return hearsUs && member.darkSinceMs === undefined;
    })
    .map(({ bootId, node, mac }) => ({ bootId, node, mac }));
}

/** Boot ids of the members whose heartbeats are late. */
export function lateMembers({ members, timing }: MembershipState, nowMs: number): string[] {
  const isLate = (heardMs: number) => nowMs - heardMs > timing.deadAfterMs * LATE_AT;
  return members.flatMap(({ bootId, heardMs }) => (isLate(heardMs) ? [bootId] : []));
}
