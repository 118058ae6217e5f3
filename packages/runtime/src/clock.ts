// SPDX-License-Identifier: Apache-2.0

/**
 * Time as a port. Whatever waits or measures is given a Clock, so that unit tests run on a fake one. Durations are
 * measured on the monotonic clock only: a wall clock that is set forwards or back changes nothing.
 */

/** A pending call that can be cancelled; cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Source of time. */
export interface Clock {
  /** Returns monotonic milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Returns the wall-clock time; for time stamps in objects only, never for measuring. */
  date(): Date;
  /** Calls `callback` once after `delayMs` milliseconds, however many they are; with Infinity never. */
  after(delayMs: number, callback: () => void): Timer;
}

/** Longest time that setTimeout takes, in milliseconds; a longer one would run at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The clock of this machine. */
export const systemClock: Clock = {
  // Not performance.now(): the first look at `performance` loads 1.4 MB that no one else uses.
  now() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
  date: () => new Date(),
  after(delayMs, callback) {
    const step = (leftMs: number): NodeJS.Timeout => {
      if (leftMs <= MAX_TIMEOUT_MS) return setTimeout(callback, Math.max(0, leftMs));
      return setTimeout(() => {
        handle = step(leftMs - MAX_TIMEOUT_MS);
      }, MAX_TIMEOUT_MS);
    };
    let handle = step(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs` milliseconds, or at once when the signal is aborted. It never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
