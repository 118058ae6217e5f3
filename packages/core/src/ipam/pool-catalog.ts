// SPDX-License-Identifier: Apache-2.0
/**
 * The pools of a configuration, prepared for decisions: their order, their arithmetic, and which pool has an address.
 */
import { isBuggy } from '../config/buggy-address.ts';
import type { AddressPool, PoolConfig } from '../config/pool-config.ts';
import { type Interval, IntervalSet } from '../net/interval-set.ts';
import type { IpAddress, IpFamily } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import { Occupants } from './occupants.ts';

export const IP_FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

/** A pool with what follows from its document. Immutable. */
export interface CatalogPool {
  readonly pool: AddressPool;
  /** Whether namespaces or selectors restrict it. */
  readonly isPinned: boolean;
  readonly families: readonly IpFamily[];
  /** What may be given to any Service: without exclude and reserved, and what others have; in the order of use. */
  readonly open: Readonly<Record<IpFamily, readonly Interval[]>>;
  /** Number of addresses without exclude and without what avoidBuggyIPs leaves out. */
  readonly total: Readonly<Record<IpFamily, bigint>>;
  /** Service by address. */
  readonly reservedFor: ReadonlyMap<string, ServiceKey>;
  readonly excluded: Readonly<Record<IpFamily, IntervalSet>>;
}

/** One entry of one pool, for look-ups by address. */
interface Located {
  readonly first: bigint;
  readonly last: bigint;
  readonly pool: CatalogPool;
}

export class PoolCatalog {
  /** In the order of choice: pinned before unpinned, then by priority (0 is last), then by name. */
  readonly pools: readonly CatalogPool[];
  readonly #byName: ReadonlyMap<string, CatalogPool>;
  readonly #located: Readonly<Record<IpFamily, readonly Located[]>>;
  readonly #reserved: ReadonlyMap<ServiceKey, readonly IpAddress[]>;
  /** Who else has addresses. */
  readonly occupants: Occupants;

  constructor(config: PoolConfig, occupants: Occupants = Occupants.NONE) {
    this.occupants = occupants;
    this.pools = config.pools.map((pool) => catalogPool(pool, occupants)).sort(byChoice);
    this.#byName = new Map(this.pools.map((pool) => [pool.pool.name, pool]));
    this.#located = { IPv4: locatedOf(this.pools, 'IPv4'), IPv6: locatedOf(this.pools, 'IPv6') };
    this.#reserved = reservationsOf(config);
  }

  named(name: string): CatalogPool | undefined {
    return this.#byName.get(name);
  }

  /** The pool that has the address, also where it is excluded or closed; O(log n) in the number of entries. */
  poolOf(address: IpAddress): CatalogPool | undefined {
    const entries = this.#located[address.family];
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle]?.last ?? 0n) < address.value) low = middle + 1;
      else high = middle;
    }
    const entry = entries[low];
    return entry !== undefined && entry.first <= address.value ? entry.pool : undefined;
  }

  /** The addresses that are kept for a Service. */
  reservedFor(service: ServiceKey): readonly IpAddress[] {
    return this.#reserved.get(service) ?? [];
  }
}

/** Whether the pool would give the address to anybody at all. */
export function isUsable({ pool, excluded }: CatalogPool, { family, value }: IpAddress): boolean {
  return !excluded[family].has(value) && !(pool.avoidBuggyIPs && isBuggy({ family, value }));
}

/** Why an address that is held would not be given anew, or undefined when it would. */
export function strandedIn(pool: CatalogPool | undefined, address: IpAddress): string | undefined {
  if (pool === undefined) return `${address} is in no pool any more`;
  return isUsable(pool, address) ? undefined : `pool ${pool.pool.name} does not give ${address} any more`;
}

/**
 * Whether an address is never given by itself: what avoidBuggyIPs leaves out, and the Subnet-Router anycast address of
 * a /64, for which every router of the LAN answers (RFC 4291, 2.6.1).
 */
export function isSkipped(pool: AddressPool, family: IpFamily, value: bigint): boolean {
  if (family === 'IPv4') return pool.avoidBuggyIPs && isBuggy({ family, value });
  return (value & 0xffff_ffff_ffff_ffffn) === 0n;
}

function catalogPool(pool: AddressPool, occupants: Occupants): CatalogPool {
  const { namespaces, namespaceSelectors, serviceSelectors } = pool.serviceAllocation;
  const excluded = { IPv4: new IntervalSet(), IPv6: new IntervalSet() };
  for (const { range } of pool.exclude) excluded[range.family].add(range.first.value, range.last.value);
  const closed = { IPv4: excluded.IPv4.clone(), IPv6: excluded.IPv6.clone() };
  for (const { address } of pool.reserved) closed[address.family].add(address.value);
  return {
    pool,
    isPinned: namespaces.length + namespaceSelectors.length + serviceSelectors.length > 0,
    families: IP_FAMILIES.filter((family) => pool.addresses.some(({ range }) => range.family === family)),
    open: {
      IPv4: openParts(pool, 'IPv4', { rules: closed, occupants }),
      IPv6: openParts(pool, 'IPv6', { rules: closed, occupants }),
    },
    total: { IPv4: totalOf(pool, 'IPv4', excluded.IPv4), IPv6: totalOf(pool, 'IPv6', excluded.IPv6) },
    reservedFor: new Map(pool.reserved.map(({ address, service }) => [address.toString(), service])),
    excluded,
  };
}

interface Closed {
  readonly rules: Readonly<Record<IpFamily, IntervalSet>>;
  readonly occupants: Occupants;
}

function openParts(pool: AddressPool, family: IpFamily, closed: Closed): Interval[] {
  const { rules, occupants } = closed;
  return partsOf(pool, family, rules[family]).flatMap(({ first, last }) =>
    occupants.closed(family).gapsWithin(first, last),
  );
}

/** The entries of a family in the order written, without what is in `closed`. */
function partsOf(pool: AddressPool, family: IpFamily, closed: IntervalSet): Interval[] {
  return pool.addresses
    .filter(({ range }) => range.family === family)
    .flatMap(({ range }) => closed.gapsWithin(range.first.value, range.last.value));
}

function totalOf(pool: AddressPool, family: IpFamily, excluded: IntervalSet): bigint {
  let total = 0n;
  for (const { first, last } of partsOf(pool, family, excluded)) {
    total += last - first + 1n;
    if (pool.avoidBuggyIPs && family === 'IPv4') total -= countBuggy(last) - countBuggy(first - 1n);
  }
  return total;
}

/** How many numbers from 0 to the given one end in the octet 0 or 255; none below zero. */
function countBuggy(value: bigint): bigint {
  return value < 0n ? 0n : value / 256n + 1n + (value + 1n) / 256n;
}

function byChoice(one: CatalogPool, other: CatalogPool): number {
  if (one.isPinned !== other.isPinned) return one.isPinned ? -1 : 1;
  const difference = rankOf(one.pool) - rankOf(other.pool);
  if (difference !== 0) return difference;
  return one.pool.name < other.pool.name ? -1 : 1;
}

function rankOf({ serviceAllocation: { priority } }: AddressPool): number {
  return priority === 0 ? Number.MAX_SAFE_INTEGER : priority;
}

function locatedOf(pools: readonly CatalogPool[], family: IpFamily): Located[] {
  const located = pools.flatMap((pool) =>
    pool.pool.addresses
      .filter(({ range }) => range.family === family)
      .map(({ range }) => ({ first: range.first.value, last: range.last.value, pool })),
  );
  return located.sort((a, b) => (a.first < b.first ? -1 : 1));
}

function reservationsOf(config: PoolConfig): Map<ServiceKey, IpAddress[]> {
  const reservations = new Map<ServiceKey, IpAddress[]>();
  for (const { address, service } of config.pools.flatMap(({ reserved }) => reserved)) {
    reservations.set(service, [...(reservations.get(service) ?? []), address]);
  }
  return reservations;
}
