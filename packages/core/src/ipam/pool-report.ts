// SPDX-License-Identifier: Apache-2.0
/** How full each pool is, per family. */
import type { IpFamily } from '../net/ip-address.ts';
import type { Allocator } from './allocator.ts';

export interface PoolUsageReport {
  readonly pool: string;
  readonly family: IpFamily;
  /** As the user wrote them, those of this family only. */
  readonly addresses: readonly string[];
  /** Addresses that can be given at all: without exclude and what avoidBuggyIPs leaves out. Can exceed 2^53. */
  readonly total: bigint;
  /** Addresses that Services hold; one that is shared counts once. */
  readonly used: bigint;
  /** Freed addresses that still rest. */
  readonly cooling: bigint;
  /** Addresses that somebody else uses, found so before a Service used them. */
  readonly quarantined: bigint;
  /** total - used - cooling - quarantined, never negative. */
  readonly free: bigint;
}

/** One row per pool and family that it has, ordered by pool name, IPv4 first. */
export function poolReport({ table }: Allocator, nowMs: number): readonly PoolUsageReport[] {
  table.settle(nowMs);
  const byName = table.catalog.pools.toSorted((a, b) => (a.pool.name < b.pool.name ? -1 : 1));
  return byName.flatMap((pool) =>
    pool.families.map((family) => {
      const space = table.spaces.of(pool);
      const counts = [space.used(family), space.resting(family), space.quarantined(family)].map(BigInt);
      const [used = 0n, cooling = 0n, quarantined = 0n] = counts;
      const total = pool.total[family];
      const free = total - used - cooling - quarantined;
      const entries = pool.pool.addresses.filter(({ range }) => range.family === family);
      const addresses = entries.map(({ text }) => text);
      const rest = { quarantined, free: free < 0n ? 0n : free };
      return { pool: pool.pool.name, family, addresses, total, used, cooling, ...rest };
    }),
  );
}
