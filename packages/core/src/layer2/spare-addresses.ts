// SPDX-License-Identifier: Apache-2.0
/**
 * Which addresses are likely to be given next, so that they can be looked at before anybody waits for them: of each
 * pool the first ones in the order of use that no Service shows. What the ledger knows besides (who rests, who is
 * quarantined) is not needed here: an address too many costs three frames, one too few a moment of waiting.
 */
import type { PoolCatalog } from '../ipam/pool-catalog.ts';
import { IP_FAMILIES, isSkipped, isUsable } from '../ipam/pool-catalog.ts';
import { IntervalSet } from '../net/interval-set.ts';
import { IpAddress, type IpFamily } from '../net/ip-address.ts';

/** An address that may be given next, and the pool that it is in. */
export interface SpareAddress {
  readonly address: IpAddress;
  readonly pool: string;
}

export interface SpareWish {
  /** Addresses that Services show, and others that are not to be counted. */
  readonly taken: Iterable<IpAddress>;
  /** How many of each pool and family. */
  readonly each: number;
  /** Most in all; the pools that come first in the order of choice get their share first. */
  readonly atMost: number;
}

/**
 * The spare addresses of all pools, in the order of choice. Neither excluded nor reserved ones, nor those that are
 * never given unasked.
 */
export function spareAddresses(catalog: PoolCatalog, { taken, each, atMost }: SpareWish): SpareAddress[] {
  const closed = { IPv4: new IntervalSet(), IPv6: new IntervalSet() };
  for (const { family, value } of taken) closed[family].add(value);
  const spares: SpareAddress[] = [];
  for (const { pool, open } of catalog.pools) {
    for (const family of IP_FAMILIES) {
      const isGiven = (value: bigint) => !isSkipped(pool, family, value);
      const walk = { intervals: open[family], closed: closed[family], isGiven };
      for (const value of firstFree(walk, Math.min(each, atMost - spares.length)))
        spares.push({ address: IpAddress.of(family, value), pool: pool.name });
    }
  }
  return spares;
}

/** Whether a pool has the address and would give it, be it on request. */
export function mayBeGiven(catalog: PoolCatalog, address: IpAddress): boolean {
  const pool = catalog.poolOf(address);
  return pool !== undefined && isUsable(pool, address);
}

interface Walk {
  readonly intervals: PoolCatalog['pools'][number]['open'][IpFamily];
  readonly closed: IntervalSet;
  isGiven(value: bigint): boolean;
}

function firstFree({ intervals, closed, isGiven }: Walk, count: number): bigint[] {
  const found: bigint[] = [];
  for (const { first, last } of intervals) {
    let gap = closed.firstGap(first, last);
    while (gap !== undefined && found.length < count) {
      if (isGiven(gap)) found.push(gap);
      gap = gap < last ? closed.firstGap(gap + 1n, last) : undefined;
    }
    if (found.length >= count) break;
  }
  return found;
}
