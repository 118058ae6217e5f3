// SPDX-License-Identifier: Apache-2.0
/**
 * Programs of the classic packet filter that keep questions, by ARP or neighbor solicitations, for addresses in a few
 * ranges. So the questions of a LAN for everything else wake no one.
 */
import { type IpAddress, type IpFamily, NDP_TYPE, NEXT_HEADER_ICMPV6 } from '@berth/core';
import { assembleFilter, FILTER_OP, type FilterInstruction, KEEP_WHOLE } from './filter-program.ts';

/** Offsets from the start of the Ethernet header. */
const OPERATION_AT = 20;
const SENDER_AT = 28;
const TARGET_AT = 38;
const REQUEST = 1;
const NEXT_HEADER_AT = 20;
const ICMP_TYPE_AT = 54;
/** The last four bytes of the target of a solicitation. */
const TARGET_END_AT = 74;
const LOW_WORD = 0xffff_ffffn;
/** Ranges of one filter; neighbouring addresses share one, and the narrowest gaps are closed when there are more. */
export const MAX_RANGES = 64;

interface Range {
  readonly first: number;
  readonly last: number;
}

const { LOAD_BYTE, LOAD_HALF, LOAD_WORD, IF_EQUAL, IF_AT_LEAST, IF_ABOVE, RETURN } = FILTER_OP;
const DROP: FilterInstruction = [RETURN, 0, 0, 0];
const KEEP: FilterInstruction = [RETURN, 0, 0, KEEP_WHOLE];

/**
 * 8 bytes an instruction in host byte order. What passes is still to be decoded and compared: of IPv6 addresses the
 * last four bytes are looked at. Addresses of the other family are ignored.
 */
export function questionFilter(vips: readonly IpAddress[], family: IpFamily = 'IPv4'): Uint8Array {
  const words = vips.filter((vip) => vip.family === family).map(({ value }) => Number(value & LOW_WORD));
  const perRange = coveringRanges(words).flatMap(({ first, last }): FilterInstruction[] => [
    [IF_AT_LEAST, 0, 2, first],
    [IF_ABOVE, 1, 0, last],
    KEEP,
  ]);
  return assembleFilter([...(family === 'IPv4' ? ARP_QUESTION : SOLICITATION), ...perRange, DROP]);
}

/** Go on for questions alone, with the word of the target loaded. */
const ARP_QUESTION: readonly FilterInstruction[] = [
  [LOAD_HALF, 0, 0, OPERATION_AT],
  [IF_EQUAL, 1, 0, REQUEST],
  DROP,
  // A probe: who asks has no entry.
  [LOAD_WORD, 0, 0, SENDER_AT],
  [IF_EQUAL, 0, 1, 0],
  DROP,
  [LOAD_WORD, 0, 0, TARGET_AT],
];
const SOLICITATION: readonly FilterInstruction[] = [
  [LOAD_BYTE, 0, 0, NEXT_HEADER_AT],
  [IF_EQUAL, 1, 0, NEXT_HEADER_ICMPV6],
  DROP,
  [LOAD_BYTE, 0, 0, ICMP_TYPE_AT],
  [IF_EQUAL, 1, 0, NDP_TYPE.NEIGHBOR_SOLICITATION],
  DROP,
  [LOAD_WORD, 0, 0, TARGET_END_AT],
];

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
