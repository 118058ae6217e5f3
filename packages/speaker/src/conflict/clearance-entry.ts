// SPDX-License-Identifier: Apache-2.0
/** What is known of one address on one segment before it is used. */
import type { AddressConflict, IpAddress } from '@berth/core';
import type { Segment } from '../layer2/segments.ts';

/**
 * `at-need`: a Service waits, and the question is quick. `ahead`: no one waits, and the times are those of the RFCs.
 */
export type Urgency = 'at-need' | 'ahead';
export type ClearanceState = 'clear' | 'conflict' | 'unknown';

export interface Entry {
  readonly vip: IpAddress;
  readonly segment: Segment;
  state: ClearanceState;
  /** When the state was found, on the clock. */
  foundMs: number;
  work: 'none' | 'waiting' | 'asking';
  urgency: Urgency;
  /** Number of the question whose answer counts. */
  question: number;
  failures: number;
  /** Until when the state `clear` counts. */
  freshUntilMs: number;
  conflict: AddressConflict | undefined;
  /** A claim was heard that is not believed yet. */
  isDoubted: boolean;
  /** Since when a node of the cluster answers that is not heard. */
  nodeSinceMs: number | undefined;
}

/** Nothing is known, and nothing was asked. */
export function newEntry(vip: IpAddress, segment: Segment): Entry {
  return {
    ...{ vip, segment, state: 'unknown', foundMs: 0, work: 'none', urgency: 'ahead' },
    ...{ question: 0, failures: 0, freshUntilMs: 0, conflict: undefined, isDoubted: false, nodeSinceMs: undefined },
  };
}

/** Names an address on one segment. */
export function keyOf(vip: IpAddress, ifindex: number): string {
  return `${vip} ${ifindex}`;
}
