// SPDX-License-Identifier: Apache-2.0
/**
 * The wall clock of the API server, as far as its answers tell it: for a person's machine, whose own clock may be
 * minutes off. What a node says when it renews its Lease is then held against a clock of the cluster.
 */
import type { Clock, Timer } from '@berth/runtime';

/** The field Date has whole seconds, cut off (RFC 9110, 5.6.7): on the average half a second is lost. */
const HALF_SECOND_MS = 500;
/** A smaller difference may be the way of the answer, in milliseconds; then this machine's clock is the better one. */
const NOISE_MS = 2_000;

export class ServerClock implements Clock {
  readonly #own: Clock;
  #aheadMs = 0;

  constructor(own: Clock) {
    this.#own = own;
  }

  /**
   * How far the API server's clock is ahead of this machine's, in milliseconds; 0 while that is not known or not worth
   * telling.
   */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** Takes the field Date of an answer that has just come. Text that is no date, and none, says nothing. */
  heard(date: string | undefined): void {
    const serverMs = Date.parse(date ?? '') + HALF_SECOND_MS;
    if (Number.isNaN(serverMs)) return;
    const aheadMs = serverMs - this.#own.date().getTime();
    this.#aheadMs = Math.abs(aheadMs) < NOISE_MS ? 0 : aheadMs;
  }

  now(): number {
    return this.#own.now();
  }

  date(): Date {
    return new Date(this.#own.date().getTime() + this.#aheadMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#own.after(delayMs, callback);
  }
}
