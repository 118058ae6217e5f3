// SPDX-License-Identifier: Apache-2.0

// Waiting for something to become true, with a deadline and a message that shows the last state.

import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls every `intervalMs` until `probe` does not throw, and returns what it returns; throws its last error after
 * `timeoutMs`.
 */
export async function until<T>(probe: () => T | Promise<T>, timeoutMs = 15_000, intervalMs = 20): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(intervalMs);
  }
}

/** Asserts that `probe` does not throw at any time for so long; only for rows that demand that nothing happens. */
export async function remains(probe: () => unknown, durationMs: number): Promise<void> {
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    await probe();
    await delay(100);
  }
}
