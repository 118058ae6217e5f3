// SPDX-License-Identifier: Apache-2.0

/**
 * A queue of keys as client-go's workqueue: a key that is added many times is handed out once; a key is never handed
 * out twice at the same time; a key that is added while it is being worked on is handed out again afterwards. On top:
 * priorities, delays that grow per key, and batches.
 */

import { type BackoffOptions, backoffMs, type Clock, type Timer } from '@berth/runtime';

/** High: somebody waits for the answer. Low: no one would notice a minute. */
export type Priority = 'high' | 'normal' | 'low';

const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];

export interface WorkQueueOptions {
  /** Delay per key after failures. @default 1 s to 8 s */
  readonly backoff?: BackoffOptions;
  readonly clock: Clock;
}

export interface TakeOptions {
  /** Most keys to take. @default 1 */
  readonly max?: number;
  readonly signal?: AbortSignal;
}

/** So that everything is tried again within 10 s after what was broken is mended. */
const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 1_000, capMs: 8_000, jitter: 0.1 };

/**
 * With many failing keys each waits this many milliseconds for each of them, so that all together try ten times a
 * second at most. The first that goes through brings the others at once.
 */
const SPACING_MS = 100;

/** Shortest time between two passes over all failing keys because one of them went through, in milliseconds. */
const RELEASE_EVERY_MS = 5_000;

/** Delay of a key whose object changed while it was worked on: none at first, then short ones. */
const CHANGED_BACKOFF: BackoffOptions = { baseMs: 50, capMs: 5_000, jitter: 0.5 };

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
  /** How often in a row the object of the key had changed. */
  readonly #changes = new Map<string, number>();
  #releasedAt = Number.NEGATIVE_INFINITY;
  readonly #waiters = new Set<() => void>();
  /** A batch is wanted, whether a key waits or not. */
  #isNudged = false;
  #isShutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
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

  /** Asks for a batch now, although no key may wait: there is something else to see to. */
  nudge(): void {
    if (this.#isShutDown) return;
    this.#isNudged = true;
    this.#wake();
  }

  /** Whether nothing waits and nothing is handed out. */
  get isIdle(): boolean {
    return this.size === 0 && this.#processing.size === 0 && !this.#isNudged;
  }

  /** Keys whose last work failed. */
  get failing(): number {
    return this.#failures.size;
  }

  /**
   * Counts a failure of the key and adds it again after a delay that grows with them and with how many keys fail, not
   * before `leastMs`. Returns the delay in milliseconds.
   */
  retry(key: string, leastMs = 0): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const { jitter = 0.5, random = Math.random } = this.#backoff;
    const spread = failures === 1 ? 0 : this.#failures.size * SPACING_MS * (1 + jitter * random());
    const delayMs = Math.max(leastMs, spread, backoffMs(failures, this.#backoff));
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /**
   * Adds a key whose object changed while it was worked on: at once, and after short delays when that happens again and
   * again.
   */
  again(key: string): number {
    const changes = this.#changes.get(key) ?? 0;
    this.#changes.set(key, changes + 1);
    const delayMs = changes === 0 ? 0 : backoffMs(changes, CHANGED_BACKOFF);
    this.addAfter(key, delayMs, 'high');
    return delayMs;
  }

  /** Forgets the failures of a key that went through; what made it fail may be mended for all others too. */
  forget(key: string): void {
    this.#changes.delete(key);
    if (!this.#failures.delete(key)) return;
    if (this.#clock.now() - this.#releasedAt < RELEASE_EVERY_MS) return;
    this.#releasedAt = this.#clock.now();
    for (const failing of this.#failures.keys()) this.add(failing, 'low');
  }

  /**
   * Waits for a key or a nudge and takes up to `max` keys, highest priority first; after a nudge that may be none.
   * Undefined after shutdown or abort.
   */
  async take(options: TakeOptions = {}): Promise<readonly string[] | undefined> {
    const isWaiting = () => this.size === 0 && !this.#isNudged;
    while (isWaiting() && !this.#isShutDown && !options.signal?.aborted) await this.#arrival(options.signal);
    if (options.signal?.aborted || this.#isShutDown) return undefined;
    this.#isNudged = false;
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
