// SPDX-License-Identifier: Apache-2.0

/**
 * A budget for API calls that adapts: as many calls at a time as the API server takes without complaint. A 429 (or a 503
 * with Retry-After) halves the number and pauses everybody for as long as the server asked; calls that succeed let it
 * grow again by one per round, as TCP does with its window.
 */

import { Backoff } from './backoff.ts';
import { type Clock, systemClock, type Timer } from './clock.ts';
import { isKubeError, KubeError } from './errors.ts';

/** A call that is refused this often in a row is given back to its caller as failed. */
const MAX_ATTEMPTS = 10;

export interface ApiBudgetOptions {
  /** Most calls at a time. @default 8 */
  readonly maxConcurrency?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** High: others wait for its result. Normal: somebody waits. Low: runs only while no other call waits. */
export type CallPriority = 'high' | 'normal' | 'low';

/** Limits the calls that go through `run`. */
export class ApiBudget {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #max: number;
  readonly #waiting: Readonly<Record<CallPriority, Set<() => void>>> = {
    high: new Set(),
    normal: new Set(),
    low: new Set(),
  };
  #limit: number;
  #running = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #resumeTimer: Timer | undefined;

  constructor(options: ApiBudgetOptions = {}) {
    this.#max = options.maxConcurrency ?? 8;
    this.#limit = this.#max;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** Calls that may run at a time now; 1 to the maximum. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /**
   * Runs one call when there is room for it, and again when the server refused it for load. Any other error is the
   * caller's. Rejects with code "aborted" when the signal is aborted while it waits.
   */
  async run<T>(call: () => Promise<T>, options: { signal?: AbortSignal; priority?: CallPriority } = {}): Promise<T> {
    const backoff = new Backoff({ baseMs: 200, capMs: 10_000, random: this.#random });
    for (let attempt = 1; ; attempt += 1) {
      await this.#enter(options.priority ?? 'normal', options.signal);
      try {
        const result = await call();
        this.#limit = Math.min(this.#max, this.#limit + 1 / this.#limit);
        return result;
      } catch (error) {
        if (!isOverload(error) || attempt === MAX_ATTEMPTS) throw error;
        this.#slowDown(error.retryAfterMs ?? backoff.next());
      } finally {
        this.#running -= 1;
        this.#admit();
      }
    }
  }

  #enter(priority: CallPriority, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting[priority].delete(start);
        reject(new KubeError('aborted', 'budget: stopped by the caller'));
      };
      const start = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      if (signal?.aborted) {
        leave();
        return;
      }
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting[priority].add(start);
      this.#admit();
    });
  }

  #admit(): void {
    if (this.#clock.now() < this.#pausedUntil) return;
    while (this.#running < this.limit) {
      const start = first(this.#waiting.high) ?? first(this.#waiting.normal) ?? first(this.#waiting.low);
      if (!start) return;
      this.#running += 1;
      start();
    }
  }

  #slowDown(pauseMs: number): void {
    const until = this.#clock.now() + pauseMs * (1 + 0.1 * this.#random());
    // Calls under way at the same moment are refused together: that is one sign of overload, not many.
    if (this.#clock.now() >= this.#pausedUntil) this.#limit = Math.max(1, this.#limit / 2);
    if (until <= this.#pausedUntil) return;
    this.#pausedUntil = until;
    this.#resumeTimer?.cancel();
    this.#resumeTimer = this.#clock.after(until - this.#clock.now(), () => {
      // A timer may fire a fraction of a millisecond early; there is no second one.
      this.#pausedUntil = Number.NEGATIVE_INFINITY;
      this.#admit();
    });
  }
}

function isOverload(error: unknown): error is KubeError {
  if (isKubeError(error, 'too-many-requests')) return true;
  return isKubeError(error, 'server') && error.retryAfterMs !== undefined;
}

/** Removes and returns the first element. */
function first<T>(set: Set<T>): T | undefined {
  for (const element of set) {
    set.delete(element);
    return element;
  }
  return undefined;
}
