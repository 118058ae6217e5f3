// SPDX-License-Identifier: Apache-2.0
/** Tells frames of another segment that somebody brings to this one. Pure. */
import type { FrameSender, MembershipState } from '@berth/core';

/** Counters of a sender on two segments interleave; a frame this far behind was not sent just now. */
const SLACK = 64;

/**
 * Why a frame of a sender that is no member here was not meant for this segment: `relayed` when the very same interface
 * is a member on another segment of this node, `replayed` when the counters that were heard there are well ahead.
 * Undefined: neither. A segment on which nothing may be owned now does not count, since it may be this one.
 */
export function heardElsewhere(
  sender: FrameSender,
  here: MembershipState,
  others: readonly MembershipState[],
  nowMs: number,
): 'relayed' | 'replayed' | undefined {
  if (here.members.some(({ bootId }) => bootId === sender.bootId)) return undefined;
  for (const { members, retired, blockedUntilMs } of others) {
    if (blockedUntilMs > nowMs) continue;
    const known = members.find(({ bootId }) => bootId === sender.bootId);
    if (known?.port === sender.port && known.mac.equals(sender.mac)) return 'relayed';
    const last = known?.counter ?? retired.get(sender.bootId) ?? 0;
    if (sender.counter + SLACK <= last) return 'replayed';
  }
  return undefined;
}
