// SPDX-License-Identifier: Apache-2.0
/** Fakes for the tests of this package. */

/** Time that the test moves, and what is planned in it. */
export class FakeClock {
  #nowMs = 0;
  readonly #timers = new Set<{ atMs: number; callback: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  advance(toMs: number): void {
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= toMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.callback();
    }
    this.#nowMs = toMs;
  }
}
