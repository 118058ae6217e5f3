// SPDX-License-Identifier: Apache-2.0
/**
 * What the program that spreads has counted since it was opened. All numbers are packets for VIPs in its tables, on all
 * interfaces.
 */

export interface SpreadCounters {
  /** Sent on to another node. */
  readonly forwarded: number;
  /** Left to this node, for whatever reason. */
  readonly served: number;
  /** Went where the list of strays, or the memory of what was seen during a change, says; sent on or not. */
  readonly byStray: number;
  readonly bySeen: number;
  /** Sent on to a silent node that may be serving them. */
  readonly secondChance: number;
  /** Left alone, as the tables had run out. */
  readonly stale: number;
  /** Fragments whose first one was not seen; served here. */
  readonly fragmentsUnknown: number;
  /** Served since another node had sent them. */
  readonly fromMembers: number;
  /** Flows in the list of strays. */
  readonly strays: number;
  /** Packets by the number of the node that they were sent on to; 256 elements. */
  readonly forwardedTo: readonly number[];
}

/** In the order of struct spread_counts in native/spread-maps.h. */
const NAMES = [
  'forwarded',
  'served',
  'byStray',
  'bySeen',
  'secondChance',
  'stale',
  'fragmentsUnknown',
  'fromMembers',
] as const;

export function spreadCounters(numbers: readonly number[], strays: number): SpreadCounters {
  const at = (name: (typeof NAMES)[number]) => numbers[NAMES.indexOf(name)] ?? 0;
  return {
    forwarded: at('forwarded'),
    served: at('served'),
    byStray: at('byStray'),
    bySeen: at('bySeen'),
    secondChance: at('secondChance'),
    stale: at('stale'),
    fragmentsUnknown: at('fragmentsUnknown'),
    fromMembers: at('fromMembers'),
    strays,
    forwardedTo: numbers.slice(NAMES.length),
  };
}
