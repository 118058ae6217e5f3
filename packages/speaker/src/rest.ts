// SPDX-License-Identifier: Apache-2.0

/**
 * After work that news brought the next one waits this many times as long as it took: thousands of news one after the
 * other cost a twentieth of a core at most. A single one is acted on at once.
 */
const REST_FACTOR = 19;

/**
 * When work that took from `startMs` to `endMs` may be done again, and no later than `longestMs` after it; on the same
 * clock.
 */
export function restAfter(startMs: number, endMs: number, longestMs: number): number {
  return endMs + Math.min(longestMs, REST_FACTOR * (endMs - startMs));
}
