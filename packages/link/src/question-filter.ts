// SPDX-License-Identifier: Apache-2.0
/**
 * A program of the classic packet filter that keeps ARP questions for addresses in a few ranges. So the questions of a LAN for everything
 * else wake nobody.
 */
import type { IpAddress } from '@berth/core';
import { assembleFilter, FILTER_OP, type FilterInstruction, KEEP_WHOLE } from './filter-program.ts';

/** Offsets from the start of the Ethernet header. */
const OPERATION_AT = 20;
const SENDER_AT = 28;
const TARGET_AT = 38;
const REQUEST = 1;
/** Ranges of one filter; neighbouring addresses share one, and the narrowest gaps are closed when there are more. */
export const MAX_RANGES = 64;

interface Range {
  readonly first: number;
  readonly last: number;
}

/** 8 bytes an instruction in host byte order. What passes is still to be decoded and compared. IPv6 addresses are ignored. */
export function questionFilter(vips: readonly IpAddress[]): Uint8Array {
  const ranges = coveringRanges(vips.filter(({ family }) => family === 'IPv4').map(({ value }) => Number(value)));
  const { LOAD_HALF, LOAD_WORD, IF_EQUAL, IF_AT_LEAST, IF_ABOVE, RETURN } = FILTER_OP;
  const drop: FilterInstruction = [RETURN, 0, 0, 0];
  const keep: FilterInstruction = [RETURN, 0, 0, KEEP_WHOLE];
  const perRange = ranges.flatMap(({ first, last }): FilterInstruction[] => [
    [IF_AT_LEAST, 0, 2, first],
    [IF_ABOVE, 1, 0, last],
    keep,
  ]);
  return assembleFilter([
    [LOAD_HALF, 0, 0, OPERATION_AT],
    [IF_EQUAL, 1, 0, REQUEST],
    drop,
    // A probe: who asks has no entry.
    [LOAD_WORD, 0, 0, SENDER_AT],
    [IF_EQUAL, 0, 1, 0],
    drop,
    [LOAD_WORD, 0, 0, TARGET_AT],
    ...perRange,
    drop,
  ]);
}

/** Ranges that cover all the numbers, {@link MAX_RANGES} at most. */
export function coveringRanges(numbers: readonly number[]): Range[] {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((number, index) => number - (sorted[index] ?? 0));
  const widest = gaps.filter((gap) => gap > 1).sort((a, b) => b - a);
  const closedUpTo = Math.max(1, widest[MAX_RANGES - 1] ?? 1);
  const ranges: { first: number; last: number }[] = [];
  for (const number of sorted) {
    const last = ranges.at(-1);
    if (last && number - last.last <= closedUpTo) last.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges;
}
