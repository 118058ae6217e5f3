// SPDX-License-Identifier: Apache-2.0
/** How long a Service may go on saying that it is announced, or that it is not, although the nodes say otherwise. */
import { type AnnouncedFinding, announcedConditionOf } from '@berth/core';
import { keyOf, type Service } from '@berth/kube';
import type { Clock } from '@berth/runtime';

/**
 * A VIP on its way from one node to another may be no one's for a moment, by what is written so far: nodes write once a
 * second at most. Only after this many milliseconds no one announces it.
 */
const GRACE_MS = 3_000;
/** So long after a term began the nodes may not have been heard yet; what would be taken back then waits. */
const WARM_UP_MS = 12_000;

/** How good the word is on which a finding rests. */
export interface Proof {
  /** Whether nodes are still to be heard. */
  readonly isWaiting: boolean;
  /** Whether a node that was heard in this term claims each of its addresses. */
  isProven(): boolean;
}

export class AnnouncedGrace {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #startMs: number;
  /** Since when a Service that was announced has not been. */
  readonly #lostMs = new Map<string, number>();

  /** The term begins now. */
  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#startMs = clock.now();
  }

  /** Milliseconds for which the condition that is there may stay all the same; 0: it is to be what the finding says. */
  leftMs(service: Service, finding: AnnouncedFinding, { isProven, isWaiting }: Proof): number {
    const key = keyOf(service);
    const present = announcedConditionOf(service);
    const isGain = finding.status === 'True';
    if (present?.status !== 'True' || isGain) this.#lostMs.delete(key);
    if (present === undefined) return 0;
    const nowMs = this.#clock.now();
    const warmUpMs = isGain && isProven() ? 0 : Math.max(0, Math.ceil(this.#startMs + WARM_UP_MS - nowMs));
    if (isGain || present.status !== 'True') return isGain || isWaiting ? warmUpMs : 0;
    const lostMs = this.#lostMs.get(key) ?? nowMs;
    this.#lostMs.set(key, lostMs);
    return Math.max(warmUpMs, Math.ceil(lostMs + GRACE_MS - nowMs), 0);
  }

  forget(key: string): void {
    this.#lostMs.delete(key);
  }
}
