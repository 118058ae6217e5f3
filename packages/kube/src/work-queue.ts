// SPDX-License-Identifier: Apache-2.0

/**
 * A queue of keys as client-go's workqueue: a key that is added many times is handed out once; a key is never handed
 * out twice at the same time; a key that is added while it is being worked on is handed out again afterwards. On top:
 * priorities, delays that grow per key, and batches.
 */

import { type BackoffOptions, backoffMs } from './backoff.ts';
import { type Clock, systemClock, type Timer } from './clock.ts';

/** High: somebody waits for the answer. Low: nobody would notice a minute. */
export type Priority = 'high' | 'normal' | 'low';

const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];

export interface WorkQueueOptions {
  /** Delay per key after failures. @default 5 s to 5 min */
  readonly backoff?: BackoffOptions;
  readonly clock?: Clock;
}

export interface TakeOptions {
  /** Most keys to take. @default 1 */
  readonly max?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 5_000, capMs: 300_000, jitter: 0.1 };

/** Keys that wait to be worked on. */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: BackoffOptions;
  /** Keys to hand out, in order of arrival per priority. Each is in `#dirty` and not in `#processing`. */
  readonly #ready: Readonly<Record<Priority, Set<string>>> = { high: new Set(), normal: new Set(), low: new Set() };
  /** Keys that need work, with their priority: those in `#ready` and those to be queued again after `done`. */
  readonly #dirty = new Map<string, Priority>();
  /** Keys handed out and not yet done. */
  readonly #processing = new Set<string>();
  /** Keys that become due later. */
  readonly #delayed = new Map<string, { readonly dueAt: number; readonly timer: Timer }>();
  /** Failures in a row. */
  readonly #failures = new Map<string, number>();
  readonly #waiters = new Set<() => void>();
  #isShutDown = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
  }

  /** Keys that could be handed out now. */
  get size(): number {
    return PRIORITIES.reduce((sum, priority) => sum + this.#ready[priority].size, 0);
  }

  /** Keys that are handed out and not done. */
  get inProgress(): number {
    return this.#processing.size;
  }

  /** Adds a key; a key that already waits keeps its place, or moves to the higher of both priorities. */
  add(key: string, priority: Priority = 'normal'): void {
    if (this.#isShutDown) return;
    const known = this.#dirty.get(key);
    if (known !== undefined && PRIORITIES.indexOf(known) <= PRIORITIES.indexOf(priority)) return;
    if (known !== undefined) this.#ready[known].delete(key);
    this.#dirty.set(key, priority);
    if (this.#processing.has(key)) return;
    this.#ready[priority].add(key);
    this.#wake();
  }

  /** Adds a key after a delay; of several delays for one key the earliest counts. */
  addAfter(key: string, delayMs: number, priority: Priority = 'normal'): void {
    if (this.#isShutDown) return;
    if (delayMs <= 0) {
      this.add(key, priority);
      return;
    }
    const dueAt = this.#clock.now() + delayMs;
    const waiting = this.#delayed.get(key);
    if (waiting && waiting.dueAt <= dueAt) return;
    waiting?.timer.cancel();
    const timer = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key, priority);
    });
    this.#delayed.set(key, { dueAt, timer });
  }

  /** Counts a failure of the key and adds it again after a delay that grows with them, not before `leastMs`. Returns the delay. */
  retry(key: string, leastMs = 0): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const delayMs = Math.max(leastMs, backoffMs(failures, this.#backoff));
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** Forgets the failures of a key. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Waits for at least one key and takes up to `max`, highest priority first. Empty after shutdown or abort. */
  async take(options: TakeOptions = {}): Promise<readonly string[]> {
    while (this.size === 0 && !this.#isShutDown && !options.signal?.aborted) await this.#arrival(options.signal);
    if (options.signal?.aborted || this.#isShutDown) return [];
    return this.#handOut(options.max ?? 1);
  }

  /** Tells that the work on a taken key has ended; it is queued again if it was added meanwhile. */
  done(key: string): void {
    this.#processing.delete(key);
    const priority = this.#dirty.get(key);
    if (priority === undefined || this.#isShutDown) return;
    this.#ready[priority].add(key);
    this.#wake();
  }

  /** Drops everything that waits; `take` returns nothing from now on. */
  shutDown(): void {
    this.#isShutDown = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#wake();
  }

  #handOut(max: number): readonly string[] {
    const taken: string[] = [];
    for (const priority of PRIORITIES) {
      for (const key of this.#ready[priority]) {
        if (taken.length === max) return taken;
        this.#ready[priority].delete(key);
        this.#start(key);
        taken.push(key);
      }
    }
    return taken;
  }

  #start(key: string): void {
    this.#dirty.delete(key);
    this.#processing.add(key);
    // It is worked on now, so the later turn is no longer needed.
    this.#delayed.get(key)?.timer.cancel();
    this.#delayed.delete(key);
  }

  #arrival(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiters.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiters.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}
