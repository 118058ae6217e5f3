// SPDX-License-Identifier: Apache-2.0
/**
 * Whether this node takes part, which `/readyz` tells: only then may the next node of a rolling update be stopped.
 * Pure.
 */
import type { MembershipState } from '@berth/core';
import type { Segment } from '../layer2/segments.ts';
import { shadowedIn } from '../membership/node-state.ts';

export interface ReadinessFacts {
  /** What the process waits for before it can take part, in words; undefined when it does not wait. */
  readonly waitsFor: string | undefined;
  readonly isLive: boolean;
  /** The interfaces on which this node should take part. */
  readonly segments: readonly Segment[];
  readonly joined: readonly {
    readonly segment: Segment;
    readonly loop: { readonly state: Pick<MembershipState, 'phase' | 'blockedUntilMs'> };
  }[];
  isAttached(segment: Segment): boolean;
  /** VIPs that the table has no room for. */
  readonly lacking: number;
}

/**
 * Undefined when it takes part: it is active on each of its segments, could answer there, and has room for every VIP. A
 * node without a segment has nothing to take part in, and must not hold up the update of others. An interface that
 * leaves its segment to another one of this node does not count.
 */
export function whyNotReady(facts: ReadinessFacts, nowMs: number): string | undefined {
  if (facts.waitsFor !== undefined) return `waiting for ${facts.waitsFor}`;
  if (!facts.isLive) return 'starting or ending';
  const shadowed = shadowedIn(facts.joined, nowMs);
  for (const segment of facts.segments) {
    if (shadowed.has(segment.ifname)) continue;
    const phase = facts.joined.find((one) => one.segment.ifindex === segment.ifindex)?.loop.state.phase;
    if (phase !== 'active') return `interface "${segment.ifname}" is ${phase ?? 'not joined'}`;
    if (!facts.isAttached(segment)) return `nothing can answer on interface "${segment.ifname}"`;
  }
  return facts.lacking > 0 ? `no room for ${facts.lacking} VIPs` : undefined;
}
