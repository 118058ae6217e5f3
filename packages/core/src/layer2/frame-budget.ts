// SPDX-License-Identifier: Apache-2.0
/**
 * How many frames may go out on one interface: so many a second, and some at once after a quiet time (a token bucket).
 */

export interface FrameBudgetOptions {
  readonly perSecond: number;
  /** Frames that may go out at once after a quiet time. */
  readonly atOnce: number;
}

/** Time is any monotonic clock in milliseconds that begins at 0 or later. */
export class FrameBudget {
  readonly #options: FrameBudgetOptions;
  #tokens: number;
  #filledAtMs = 0;

  constructor(options: FrameBudgetOptions) {
    this.#options = options;
    this.#tokens = options.atOnce;
  }

  /** Frames that may go out now. */
  left(nowMs: number): number {
    const { perSecond, atOnce } = this.#options;
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#tokens = Math.min(atOnce, this.#tokens + (elapsedMs * perSecond) / 1000);
    this.#filledAtMs = nowMs;
    return Math.floor(this.#tokens);
  }

  spend(frames: number): void {
    this.#tokens -= frames;
  }

  /** When this many frames may go out, at most as many as go out at once. */
  readyMs(frames: number, nowMs: number): number {
    this.left(nowMs);
    const missing = Math.max(0, Math.min(frames, this.#options.atOnce) - this.#tokens);
    return nowMs + (missing * 1000) / this.#options.perSecond;
  }
}
