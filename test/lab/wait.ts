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
  /** Pause between two probes. @default 50 */
  readonly intervalMs?: number;
}

export async function waitUntil({ what, timeoutMs, probe, explain, intervalMs = 50 }: Wait): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await probe())) {
    if (performance.now() >= deadline) {
      const why = explain === undefined ? '' : `: ${await explain()}`;
      throw new Error(`lab: waited ${timeoutMs / 1000} s for ${what}${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
