// SPDX-License-Identifier: Apache-2.0

/**
 * Lanes for calls of which some take long or fail, e.g. since a webhook that is called for them does not answer. Those
 * that go through use the fast lane. A call that takes far longer than such calls do moves to the next lane, where it
 * may take longer, and from there to the last one, where it may take as long as it likes. Where the next lane is full
 * the call is cut off, and begins there the next time: no one waits for it. Whose last call failed begins in the last
 * lane. The lane in the middle is a second chance for calls that were slow by accident.
 */

import type { Clock } from '@berth/runtime';
import { AbortLinks } from './abort-links.ts';
import { ApiBudget, type CallPriority } from './api-budget.ts';
import { classify, KubeError } from './errors.ts';

/**
 * A call moves on when it takes so many times as long as those that go through, and after this time at the earliest and
 * at the latest, in milliseconds.
 */
const FAST = { factor: 8, leastMs: 100, mostMs: 10_000, unknownMs: 1_000 };
const MIDDLE = { factor: 80, leastMs: 1_000, mostMs: 20_000, unknownMs: 3_000 };
type Patience = typeof FAST;
/** Share of the newest call in the usual time. */
const WEIGHT = 0.2;
/** Keys that are known as slow or failing at a time. */
const MAX_KNOWN = 20_000;

export interface CallLanesOptions {
  readonly clock: Clock;
  /** The fast lane, which others may use too. */
  readonly fast: ApiBudget;
  /** Most calls in the lane in the middle. @default 16 */
  readonly maxMiddle?: number;
  /** Most calls in the last lane. @default 32 */
  readonly maxSlow?: number;
}

export interface LaneCall {
  /** What the call is for: who was slow begins in a slower lane. */
  readonly key: string;
  /** Groups take turns. */
  readonly group?: string;
  readonly priority?: CallPriority;
  readonly signal: AbortSignal;
  /** Called when the call has left the fast lane, or does not begin there: no one should wait for it. */
  onSlow?(): void;
}

interface Lane {
  readonly budget: ApiBudget;
  /** Undefined: for ever. */
  readonly patience: Patience | undefined;
}

export class CallLanes {
  readonly #clock: Clock;
  /** From the fast one to the last one. */
  readonly #lanes: readonly Lane[];
  /** In which lane the next call for a key begins; those that begin in the first are left out. */
  readonly #known = new Map<string, number>();
  readonly #links = new AbortLinks();
  /** Milliseconds that calls take which go through; undefined before the first. */
  #usualMs: number | undefined;

  constructor({ clock, fast, maxMiddle = 16, maxSlow = 32 }: CallLanesOptions) {
    this.#clock = clock;
    const lane = (maxConcurrency: number) => new ApiBudget({ clock, maxConcurrency });
    this.#lanes = [
      { budget: fast, patience: FAST },
      { budget: lane(maxMiddle), patience: MIDDLE },
      { budget: lane(maxSlow), patience: undefined },
    ];
  }

  /** Whether the next call for this key does not begin in the fast lane. */
  isSlow(key: string): boolean {
    return this.#known.has(key);
  }

  /** Milliseconds after which a call leaves the fast lane. */
  get slowAfterMs(): number {
    return this.#patienceMs(FAST);
  }

  /**
   * Runs the call, with a signal that it must obey. Rejects with the call's own error, with code "aborted" when the
   * signal of `options` is aborted, and with code "put-off" when the call was cut off since it was slow.
   */
  async run<T>(call: (signal: AbortSignal) => Promise<T>, options: LaneCall): Promise<T> {
    const { key, group, priority, signal, onSlow } = options;
    const first = this.#known.get(key) ?? 0;
    if (first > 0) onSlow?.();
    const way = new Way(first);
    const turn = { ...(group === undefined ? {} : { group }), ...(priority === undefined ? {} : { priority }) };
    const late = this.#lateness(first, () => this.#moveOn(way, onSlow));
    try {
      const result = await this.#lane(first).budget.run(() => this.#timed(() => this.#begin(call, way, signal)), {
        ...turn,
        ...late,
        signal,
      });
      this.#known.delete(key);
      return result;
    } catch (cause) {
      const isCut = way.isCut && !signal.aborted;
      const next = isCut ? way.lane + 1 : isFailure(cause) ? this.#lanes.length - 1 : undefined;
      if (next !== undefined && this.#known.size < MAX_KNOWN) this.#known.set(key, next);
      if (!isCut) throw cause;
      throw new KubeError('put-off', 'no answer, while other calls are answered: tried again on another connection', {
        cause,
      });
    } finally {
      way.end();
    }
  }

  // Only now: thousands may wait for their turn.
  async #begin<T>(call: (signal: AbortSignal) => Promise<T>, way: Way, signal: AbortSignal): Promise<T> {
    const stopper = new AbortController();
    const stop = () => stopper.abort();
    if (way.isCut) stop();
    way.onCut = stop;
    const unlink = this.#links.add(signal, stop);
    try {
      return await call(stopper.signal);
    } finally {
      unlink();
    }
  }

  /** The call that is under way goes on in the next lane, or is cut off. */
  #moveOn(way: Way, onSlow: (() => void) | undefined): void {
    const next = way.lane + 1;
    const leave = this.#lane(next).budget.takePlace();
    way.end();
    if (leave === undefined) {
      way.cut();
      return;
    }
    onSlow?.();
    const { lateAfterMs, onLate } = this.#lateness(next, () => this.#moveOn(way, undefined));
    const timer = lateAfterMs === undefined ? undefined : this.#clock.after(lateAfterMs, () => onLate?.());
    way.goOn(next, () => {
      timer?.cancel();
      leave();
    });
  }

  #lane(index: number): Lane {
    const lane = this.#lanes[index];
    if (lane === undefined) throw new Error(`call lanes: no lane ${index}`);
    return lane;
  }

  #lateness(lane: number, onLate: () => void): { readonly lateAfterMs?: number; onLate?(): void } {
    const { patience } = this.#lane(lane);
    return patience === undefined ? {} : { lateAfterMs: this.#patienceMs(patience), onLate };
  }

  #patienceMs({ factor, leastMs, mostMs, unknownMs }: Patience): number {
    return this.#usualMs === undefined ? unknownMs : Math.min(mostMs, Math.max(leastMs, factor * this.#usualMs));
  }

  async #timed<T>(call: () => Promise<T>): Promise<T> {
    const startMs = this.#clock.now();
    const result = await call();
    const tookMs = this.#clock.now() - startMs;
    this.#usualMs = this.#usualMs === undefined ? tookMs : (1 - WEIGHT) * this.#usualMs + WEIGHT * tookMs;
    return result;
  }
}

/** In which lane a call is, and how it leaves the one that it moved to. */
class Way {
  lane: number;
  /** Ends the call that is under way. */
  onCut: () => void = () => {};
  #isCut = false;
  #leave: () => void = () => {};

  constructor(lane: number) {
    this.lane = lane;
  }

  goOn(lane: number, leave: () => void): void {
    this.lane = lane;
    this.#leave = leave;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Ends the call: no lane has room for it. */
  cut(): void {
    this.#isCut = true;
    this.onCut();
  }

  /** Gives the place in the present lane back. */
  end(): void {
    this.#leave();
    this.#leave = () => {};
  }
}

// An object that changed meanwhile or is gone says nothing of how long calls for it take.
function isFailure(error: unknown): boolean {
  const { action } = classify(error);
  return action === 'retry' || action === 'refused';
}
