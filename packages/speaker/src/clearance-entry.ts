// SPDX-License-Identifier: Apache-2.0
/** What is known of one address on one segment before it is used. */
import type { AddressConflict, IpAddress } from '@berth/core';
import type { Segment } from './segments.ts';

/** `at-need`: a Service waits, and the question is quick. `ahead`: nobody waits, and the times are those of the RFCs. */
export type Urgency = 'at-need' | 'ahead';
export type Verdict = 'clear' | 'conflict' | 'unknown';

export interface Entry {
  readonly vip: IpAddress;
  readonly segment: Segment;
  verdict: Verdict;
  /** When the verdict was found, on the clock. */
  foundMs: number;
  work: 'none' | 'waiting' | 'asking';
  urgency: Urgency;
  /** Number of the question whose answer counts. */
  question: number;
  failures: number;
  /** Until when a verdict `clear` counts. */
  freshUntilMs: number;
  conflict: AddressConflict | undefined;
  /** A claim was heard that is not believed yet. */
  isDoubted: boolean;
}

/** Nothing is known, and nothing was asked. */
export function newEntry(vip: IpAddress, segment: Segment): Entry {
  return {
    ...{ vip, segment, verdict: 'unknown', foundMs: 0, work: 'none', urgency: 'ahead' },
    ...{ question: 0, failures: 0, freshUntilMs: 0, conflict: undefined, isDoubted: false },
  };
}
