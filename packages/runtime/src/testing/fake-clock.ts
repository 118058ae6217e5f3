// SPDX-License-Identifier: Apache-2.0

/** A clock that stands still until a test moves it. */

import type { Clock, Timer } from '../clock.ts';

interface Entry {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

/**
 * Monotonic and wall time that move only when the test says so; the wall clock can be set on its own. Timers run in the
 * order in which they are due, those that are due at the same time in the order in which they were set.
 */
export class FakeClock implements Clock {
  #now = 0;
  #wallMs: number;
  #order = 0;
  #pendingTimers = 0;
  /** A binary heap: the entry that is due first is at index 0. */
  readonly #heap: Entry[] = [];

  constructor(wall = new Date('2026-01-01T00:00:00Z')) {
    this.#wallMs = wall.getTime();
  }

  /** Timers that have neither run nor been cancelled. */
  get pendingTimers(): number {
    return this.#pendingTimers;
  }

  now(): number {
    return this.#now;
  }

  date(): Date {
    return new Date(this.#wallMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    const dueAt = this.#now + Math.max(0, delayMs);
    const entry = { dueAt, order: this.#order, callback, isCancelled: false };
    this.#order += 1;
    this.#pendingTimers += 1;
    this.#push(entry);
    return { cancel: () => this.#cancel(entry) };
  }

  /** Sets the wall clock by so many milliseconds; no timer notices. */
  shiftWall(ms: number): void {
    this.#wallMs += ms;
  }

  /** Lets time pass while code is busy: no timer runs, even if it becomes due. */
  pass(ms: number): void {
    this.#moveTo(this.#now + ms);
  }

  /** Lets time pass: runs what becomes due in order, and after each the promises that wait for it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#takeDue(end); next; next = this.#takeDue(end)) {
      next();
      await settle();
    }
    this.#moveTo(end);
  }

  /** Lets time pass until `untilMs` without a turn for promises: runs what becomes due, and `afterEach` after each. */
  runUntil(untilMs: number, afterEach: () => void = () => undefined): void {
    for (let next = this.#takeDue(untilMs); next; next = this.#takeDue(untilMs)) {
      next();
      afterEach();
    }
    this.#moveTo(untilMs);
  }

  /** Takes the first timer that is due by `end` off the heap and moves the time to it. */
  #takeDue(end: number): (() => void) | undefined {
    for (let first = this.#heap[0]; first !== undefined && first.dueAt <= end; first = this.#heap[0]) {
      this.#removeFirst();
      if (first.isCancelled) continue;
      this.#cancel(first);
      this.#moveTo(first.dueAt);
      return first.callback;
    }
    return undefined;
  }

  #cancel(entry: Entry): void {
    if (!entry.isCancelled) this.#pendingTimers -= 1;
    entry.isCancelled = true;
  }

  /** A timer that became due while code was busy runs late; it does not turn the time back. */
  #moveTo(time: number): void {
    if (time <= this.#now) return;
    this.#wallMs += time - this.#now;
    this.#now = time;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const least = heap[child];
      if (least === undefined || isBefore(last, least)) break;
      heap[index] = least;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}

/** Lets every promise that can go on do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
