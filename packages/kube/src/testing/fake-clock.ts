// SPDX-License-Identifier: Apache-2.0

/** A clock that stands still until a test moves it. */

import type { Clock, Timer } from '../clock.ts';

interface Pending {
  readonly dueAt: number;
  readonly callback: () => void;
}

/** Monotonic and wall time that move only by `advance`; the wall clock can be set on its own. */
export class FakeClock implements Clock {
  #now = 0;
  #wallMs: number;
  readonly #pending = new Set<Pending>();

  constructor(wall = new Date('2026-01-01T00:00:00Z')) {
    this.#wallMs = wall.getTime();
  }

  /** Timers that have not run. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  now(): number {
    return this.#now;
  }

  date(): Date {
    return new Date(this.#wallMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    const pending = { dueAt: this.#now + Math.max(0, delayMs), callback };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** Sets the wall clock by so many milliseconds; no timer notices. */
  shiftWall(ms: number): void {
    this.#wallMs += ms;
  }

  /** Lets time pass: runs what becomes due in order, and after each the promises that wait for it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#nextDue(end); next; next = this.#nextDue(end)) {
      this.#moveTo(next.dueAt);
      this.#pending.delete(next);
      next.callback();
      await settle();
    }
    this.#moveTo(end);
  }

  #nextDue(end: number): Pending | undefined {
    let first: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueAt <= end && (!first || pending.dueAt < first.dueAt)) first = pending;
    }
    return first;
  }

  #moveTo(time: number): void {
    this.#wallMs += time - this.#now;
    this.#now = time;
  }
}

/** Lets every promise that can go on do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
