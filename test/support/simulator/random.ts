// SPDX-License-Identifier: Apache-2.0

// Random numbers that one seed determines, so that a run can be repeated.

export type Random = () => number;

/** Numbers in [0, 1): mulberry32, enough for schedules. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
