// SPDX-License-Identifier: Apache-2.0
/** For tests that drive a table with long histories. */
import { AllocationTable } from '../allocation-table.ts';
import { IP_FAMILIES } from '../pool-catalog.ts';

/** Where what a table has derived disagrees with what the same records give from scratch, or undefined. */
export function disagreementIn(table: AllocationTable): string | undefined {
  const { catalog } = table;
  const fresh = new AllocationTable(catalog);
  fresh.load(table.records());
  for (const family of IP_FAMILIES) {
    for (const pool of catalog.pools) {
      const [own, other] = [table, fresh].map((one) => one.spaces.of(pool).summary(family));
      if (own !== other) return `pool ${pool.pool.name}: ${own}, but from scratch ${other}`;
    }
  }
  const holders = [...fresh.holders()].find((service) => table.heldBy(service).length !== fresh.heldBy(service).length);
  return holders === undefined ? undefined : `${holders} holds another number of addresses than the records say`;
}
