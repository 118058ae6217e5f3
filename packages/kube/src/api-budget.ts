// SPDX-License-Identifier: Apache-2.0

/**
 * A budget for API calls that adapts: as many calls at a time as the API server takes without complaint. A 429 (or a
 * 503 with Retry-After) halves the number and pauses everybody for as long as the server asked; calls that succeed let
 * it grow again by one per round, as TCP does with its window.
 */

import { Backoff, type Clock, type Timer } from '@berth/runtime';
import { AbortLinks } from './abort-links.ts';
import { isKubeError, KubeError } from './errors.ts';

/** A call that is refused this often in a row is given back to its caller as failed. */
const MAX_ATTEMPTS = 10;

export interface ApiBudgetOptions {
  /** Most calls at a time. @default 8 */
  readonly maxConcurrency?: number;
  readonly clock: Clock;
  readonly random?: () => number;
}

/** High: others wait for its result. Normal: somebody waits. Low: runs only while no other call waits. */
export type CallPriority = 'high' | 'normal' | 'low';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** @default normal */
  readonly priority?: CallPriority;
  /**
   * Groups of one priority take turns, so that one with many calls holds up the others for one call each. @default one
   * group
   */
  readonly group?: string;
  /** After so many milliseconds the call gives up its place: it goes on and no longer counts. @default never */
  readonly lateAfterMs?: number;
  /** Called when the call gives up its place. */
  onLate?(): void;
}

/** Limits the calls that go through `run`. */
export class ApiBudget {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #max: number;
  readonly #waiting: Readonly<Record<CallPriority, Turns>> = {
    high: new Turns(),
    normal: new Turns(),
    low: new Turns(),
  };
  readonly #links = new AbortLinks();
  #limit: number;
  #running = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #resumeTimer: Timer | undefined;

  constructor(options: ApiBudgetOptions) {
    this.#max = options.maxConcurrency ?? 8;
    this.#limit = this.#max;
    this.#clock = options.clock;
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
  async run<T>(call: () => Promise<T>, options: CallOptions = {}): Promise<T> {
    const backoff = new Backoff({ baseMs: 200, capMs: 10_000, random: this.#random });
    for (let attempt = 1; ; attempt += 1) {
      await this.#enter(options);
      const place = this.#place(options);
      try {
        const result = await call();
        this.#limit = Math.min(this.#max, this.#limit + 1 / this.#limit);
        return result;
      } catch (error) {
        if (!isOverload(error) || attempt === MAX_ATTEMPTS) throw error;
        this.#slowDown(error.retryAfterMs ?? backoff.next());
      } finally {
        place.leave();
      }
    }
  }

  /** Takes a place for a call that runs already, if one is free now; returns the function that gives it back, once. */
  takePlace(): (() => void) | undefined {
    if (this.#running >= this.limit || this.#clock.now() < this.#pausedUntil) return undefined;
    this.#running += 1;
    return this.#place({}).leave;
  }

  /** The place of a call that runs; `leave` gives it back once, however often it is called. */
  #place({ lateAfterMs, onLate }: CallOptions): { leave(): void } {
    let isTaken = true;
    const giveBack = () => {
      if (!isTaken) return;
      isTaken = false;
      this.#running -= 1;
      this.#admit();
    };
    const late = () => {
      // First: the caller may end the call, and that gives the place back too.
      giveBack();
      onLate?.();
    };
    const timer = lateAfterMs === undefined ? undefined : this.#clock.after(lateAfterMs, late);
    return {
      leave: () => {
        timer?.cancel();
        giveBack();
      },
    };
  }

  #enter({ priority = 'normal', group = '', signal }: CallOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      let unlink = () => {};
      const leave = () => {
        this.#waiting[priority].remove(group, start);
        reject(new KubeError('aborted', 'budget: stopped by the caller'));
      };
      const start = () => {
        unlink();
        resolve();
      };
      if (signal?.aborted) {
        leave();
        return;
      }
      if (signal) unlink = this.#links.add(signal, leave);
      this.#waiting[priority].add(group, start);
      this.#admit();
    });
  }

  #admit(): void {
    if (this.#clock.now() < this.#pausedUntil) return;
    while (this.#running < this.limit) {
      const start = this.#waiting.high.next() ?? this.#waiting.normal.next() ?? this.#waiting.low.next();
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

/** Calls that wait, of which the groups take turns; inside a group the first that came goes first. */
class Turns {
  /** By group, the one whose turn is next at the front; no group is empty. */
  readonly #groups = new Map<string, Set<() => void>>();

  add(group: string, start: () => void): void {
    const waiting = this.#groups.get(group);
    if (waiting) waiting.add(start);
    else this.#groups.set(group, new Set([start]));
  }

  remove(group: string, start: () => void): void {
    const waiting = this.#groups.get(group);
    waiting?.delete(start);
    if (waiting?.size === 0) this.#groups.delete(group);
  }

  /** Takes out the one whose turn it is. */
  next(): (() => void) | undefined {
    for (const [group, waiting] of this.#groups) {
      this.#groups.delete(group);
      const [start] = waiting;
      if (start) waiting.delete(start);
      if (waiting.size > 0) this.#groups.set(group, waiting);
      return start;
    }
    return undefined;
  }
}
