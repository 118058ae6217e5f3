// SPDX-License-Identifier: Apache-2.0

/** Exponential backoff with a cap and jitter. */

export interface BackoffOptions {
  /** First delay, in milliseconds. */
  readonly baseMs: number;
  /** Largest delay before jitter, in milliseconds. */
  readonly capMs: number;
  /**
   * Share of the delay that is added at random, 0 to 1, so that many clients do not come back together. @default 0.5
   */
  readonly jitter?: number;
  /** Returns a number in [0, 1). @default Math.random */
  readonly random?: () => number;
}

/** Returns the delay before the retry after `failures` failures in a row (1 for the first), in milliseconds. */
export function backoffMs(failures: number, options: BackoffOptions): number {
  const { baseMs, capMs, jitter = 0.5, random = Math.random } = options;
  const doublings = Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(baseMs * 2 ** doublings, capMs) * (1 + jitter * random());
}

/** Counts failures in a row and tells how long to wait after each. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Failures in a row so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts one more failure and returns the milliseconds to wait now. */
  next(): number {
    this.#failures += 1;
    return backoffMs(this.#failures, this.#options);
  }

  reset(): void {
    this.#failures = 0;
  }
}
