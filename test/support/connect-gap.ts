// SPDX-License-Identifier: Apache-2.0

// What a client noticed: the longest time without a successful connect. Pure.

/** One attempt to connect; times in milliseconds of one monotonic clock. */
export interface Attempt {
  startMs: number;
  endMs: number;
  ok: boolean;
}

export interface Outage {
  /** Longest time between the end of one success and the end of the next, in milliseconds. */
  longestGapMs: number;
  succeeded: number;
  failed: number;
  /** From the start of the first attempt that failed to that of the last one, in milliseconds; 0 for one or none. */
  failingMs: number;
}

/** Returns what attempts, in any order, say of the time from the first success to `untilMs`. */
export function measureOutage(attempts: readonly Attempt[], untilMs: number): Outage {
  const ends = attempts.filter(({ ok }) => ok).map(({ endMs }) => endMs);
  const successes = [...ends.sort((a, b) => a - b), untilMs];
  const failures = attempts.filter(({ ok }) => !ok).map(({ startMs }) => startMs);
  const gaps = successes.slice(1).map((end, index) => end - (successes[index] ?? end));
  return {
    longestGapMs: Math.max(0, ...gaps),
    succeeded: ends.length,
    failed: failures.length,
    failingMs: failures.length === 0 ? 0 : Math.max(...failures) - Math.min(...failures),
  };
}
