// SPDX-License-Identifier: Apache-2.0
/** How all pools of a catalog are occupied, and which are the first with room. */
import type { IpFamily } from '../net/ip-address.ts';
import type { AddressRecord } from './address-record.ts';
import { type CatalogPool, IP_FAMILIES, type PoolCatalog } from './pool-catalog.ts';
import { PoolSpace } from './pool-space.ts';

/** Records that are counted in one step of a swap. */
const RECORDS_PER_STEP = 1_000;

export class PoolSpaces {
  #catalog: PoolCatalog;
  #spaces = new Map<CatalogPool, PoolSpace>();
  /** No pool of the catalog before this position has a free address. */
  readonly #firstRoomy: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 };

  constructor(catalog: PoolCatalog) {
    this.#catalog = catalog;
  }

  get catalog(): PoolCatalog {
    return this.#catalog;
  }

  /**
   * Swaps the pools, in steps: until the last one the old pools are there to be read. `records` are all that occupy
   * them, and do not change meanwhile.
   */
  *swapCatalog(catalog: PoolCatalog, records: Iterable<AddressRecord>): Generator<void> {
    const next = new PoolSpaces(catalog);
    let counted = 0;
    for (const record of records) {
      next.add(record);
      counted += 1;
      if (counted % RECORDS_PER_STEP === 0) yield;
    }
    this.#catalog = catalog;
    this.#spaces = next.#spaces;
    for (const family of IP_FAMILIES) this.#firstRoomy[family] = 0;
  }

  add(record: AddressRecord): void {
    this.#spaceOf(record)?.add(record);
  }

  remove(record: AddressRecord): void {
    this.#spaceOf(record)?.remove(record);
    this.#firstRoomy[record.address.family] = 0;
  }

  /** How one pool is occupied. */
  of(pool: CatalogPool): PoolSpace {
    const present = this.#spaces.get(pool);
    if (present !== undefined) return present;
    const space = new PoolSpace(pool);
    this.#spaces.set(pool, space);
    return space;
  }

  /** Position of the first pool in the order of choice that has a free address; the number of pools when none has. */
  firstRoomy(family: IpFamily): number {
    const { pools } = this.#catalog;
    for (let index = this.#firstRoomy[family]; index < pools.length; index++) {
      const pool = pools[index];
      if (pool !== undefined && this.of(pool).firstFree(family) !== undefined) break;
      this.#firstRoomy[family] = index + 1;
    }
    return this.#firstRoomy[family];
  }

  #spaceOf(record: AddressRecord): PoolSpace | undefined {
    const pool = this.#catalog.poolOf(record.address);
    return pool === undefined ? undefined : this.of(pool);
  }
}
