// SPDX-License-Identifier: Apache-2.0

// Waiting on the real thing: asks again until it is so, and says what was
// awaited (and why it did not come) when the time is over.

export interface Wait {
  /** Completes the sentence "waited for ...". */
  readonly what: string;
  readonly timeoutMs: number;
  /** True once it is so. What it throws ends the wait. */
  readonly probe: () => Promise<boolean>;
  /** Text for the error, as the end of a log. */
  readonly explain?: () => Promise<string>;
  /** Pause between two probes. @default twice as long as the last one took, from 50 to 500 */
  readonly intervalMs?: number;
}

const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 500;
/** Most probes run a program, as kubectl: without a rest that grows with it they would keep a processor busy. */
const REST = 2;

export async function waitUntil({ what, timeoutMs, probe, explain, intervalMs }: Wait): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const startMs = performance.now();
    if (await probe()) return;
    const endMs = performance.now();
    if (endMs >= deadline) {
      const why = explain === undefined ? '' : `: ${await explain()}`;
      throw new Error(`lab: waited ${timeoutMs / 1000} s for ${what}${why}`);
    }
    const pauseMs = intervalMs ?? Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, REST * (endMs - startMs)));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
