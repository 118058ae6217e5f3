// SPDX-License-Identifier: Apache-2.0
/**
 * Finds addresses for a Service that names none: by pool, in the order that is the same for everybody, and inside a
 * pool first what is reserved for the Service, then what it held before, then what its sharing key points to, then the
 * lowest.
 */
import type { IpAddress, IpFamily } from '../net/ip-address.ts';
import { restsFor } from './address-record.ts';
import type { DecisionScope } from './decision-scope.ts';
import { hasQuota, isCounted, isShareable, occupantOf, quotaRefusal } from './obstacle.ts';
import { closedBecause } from './pool-access.ts';
import { type CatalogPool, isUsable } from './pool-catalog.ts';
import type { Refusal } from './refusal.ts';

export type Found =
  | { readonly ok: true; readonly addresses: readonly IpAddress[] }
  | { readonly ok: false; readonly refusal: Refusal };

export interface SearchOptions {
  /** What is missing, in the order of the Service's families. */
  readonly families: readonly IpFamily[];
  /** The only pool that counts; undefined: all that may serve the Service unasked. */
  readonly within: CatalogPool | undefined;
}

/** Most pools that a message names. */
const MAX_POOLS_TOLD = 6;

/**
 * One address of each family, all from one pool. With PreferDualStack a pool with both comes first, then the families
 * one at a time in the order of the Service.
 */
export function findAddresses(scope: DecisionScope, { families, within }: SearchOptions): Found {
  const search = new Search(scope);
  for (const wish of wishesOf(scope, families)) {
    for (const pool of within === undefined ? search.roomyPools(wish) : [within]) {
      const addresses = search.pickAll(pool, wish);
      if (addresses !== undefined) return { ok: true, addresses };
    }
  }
  return {
    ok: false,
    refusal: refusalOf(scope, within === undefined ? [...search.candidatePools(0)] : [within], families),
  };
}

function wishesOf({ request }: DecisionScope, families: readonly IpFamily[]): readonly (readonly IpFamily[])[] {
  const [first, second] = families;
  const isOptional = request.familyPolicy === 'PreferDualStack' && first !== undefined && second !== undefined;
  return isOptional ? [families, [first], [second]] : [families];
}

/** One search; holds what would otherwise be looked up again for each pool. */
class Search {
  readonly #scope: DecisionScope;
  readonly #reserved: readonly IpAddress[];
  readonly #former: readonly IpAddress[];
  /** What the Service's sharing key points to and it may share. */
  readonly #shared: readonly IpAddress[];
  readonly #hasOwn: boolean;

  constructor(scope: DecisionScope) {
    const { request, table } = scope;
    this.#scope = scope;
    this.#reserved = table.catalog.reservedFor(request.service);
    this.#former = table.formerlyHeldBy(request.service).map(({ address }) => address);
    this.#shared = table.sharedBy(request.sharing.key).flatMap((record) => {
      const pool = table.catalog.poolOf(record.address);
      return pool !== undefined && isShareable(scope, pool, record) ? [record.address] : [];
    });
    this.#hasOwn = this.#reserved.length + this.#former.length + this.#shared.length > 0;
  }

  /**
   * As {@link Search.candidatePools}, without the first ones of the order that have nothing left of one of the
   * families.
   */
  roomyPools(families: readonly IpFamily[]): Iterable<CatalogPool> {
    return this.candidatePools(Math.max(...families.map((family) => this.#scope.table.spaces.firstRoomy(family))));
  }

  /**
   * The pools that may serve the Service unasked, each once: those with an address that belongs to it, then those of
   * the catalog from this position on.
   */
  *candidatePools(from: number): Iterable<CatalogPool> {
    const { table } = this.#scope;
    const nearer = new Set([
      ...this.#poolsOf(this.#reserved).filter((pool) => this.#isOpen(pool)),
      ...[...this.#poolsOf(this.#former), ...this.#poolsOf(this.#shared)].filter((pool) => this.#isOpenUnasked(pool)),
    ]);
    yield* nearer;
    const { pools } = table.catalog;
    for (let index = from; index < pools.length; index++) {
      const pool = pools[index];
      if (pool !== undefined && !nearer.has(pool) && this.#isOpenUnasked(pool)) yield pool;
    }
  }

  /** One address of each family from the pool, or undefined where one is missing. */
  pickAll(pool: CatalogPool, families: readonly IpFamily[]): IpAddress[] | undefined {
    const picked: IpAddress[] = [];
    for (const family of families) {
      const address = pool.families.includes(family) ? this.#pick(pool, family, picked.length) : undefined;
      if (address === undefined) return undefined;
      picked.push(address);
    }
    return picked;
  }

  #pick(pool: CatalogPool, family: IpFamily, alreadyPicked: number): IpAddress | undefined {
    // Most Services have nothing of their own anywhere; for them a full pool must cost next to nothing.
    if (!this.#hasOwn) return this.#pickFree(pool, family, alreadyPicked);
    const isFitting = (address: IpAddress) => address.family === family && this.#isGivenBy(pool, address);
    const isFree = (address: IpAddress) => isFitting(address) && this.#isUnheld(address);
    const shared = this.#shared.find(isFitting);
    if (!hasQuota(this.#scope, pool, alreadyPicked)) {
      const own = [...this.#reserved.filter(isFree), ...this.#former.filter(isFree), ...(shared ? [shared] : [])];
      return own.find((address) => isCounted(this.#scope, this.#scope.table.get(address)));
    }
    const reserved = this.#reserved.find(isFree);
    if (reserved !== undefined || !this.#givesFreely(pool)) return reserved;
    return this.#former.find(isFree) ?? shared ?? this.#pickFree(pool, family, alreadyPicked);
  }

  #pickFree(pool: CatalogPool, family: IpFamily, alreadyPicked: number): IpAddress | undefined {
    const { request, table } = this.#scope;
    const free = table.spaces.of(pool).firstFree(family, request.leaving);
    if (free === undefined || !this.#givesFreely(pool)) return undefined;
    return hasQuota(this.#scope, pool, alreadyPicked) ? free : undefined;
  }

  /** Whether the Service may have any address of the pool: one that is not given unasked takes a wish for the pool. */
  #givesFreely({ pool }: CatalogPool): boolean {
    return pool.autoAssign || this.#scope.request.wantedPool === pool.name;
  }

  #isOpen({ pool }: CatalogPool): boolean {
    return closedBecause(pool, this.#scope.request, this.#scope.namespaces) === undefined;
  }

  #isOpenUnasked(pool: CatalogPool): boolean {
    return pool.pool.autoAssign && this.#isOpen(pool);
  }

  /** Whether the pool has the address and would give it to this Service at all. */
  #isGivenBy(pool: CatalogPool, address: IpAddress): boolean {
    const { request, table } = this.#scope;
    if (table.catalog.poolOf(address) !== pool || !isUsable(pool, address)) return false;
    if (occupantOf(this.#scope, address) !== undefined) return false;
    const reservedFor = pool.reservedFor.get(address.toString()) ?? request.service;
    return reservedFor === request.service && !request.leaving.some((other) => other.equals(address));
  }

  #isUnheld(address: IpAddress): boolean {
    const { request, table, nowMs } = this.#scope;
    const record = table.get(address);
    if (record?.quarantine !== undefined) return false;
    return (record?.holders.length ?? 0) === 0 && !restsFor(record, request.service, nowMs);
  }

  #poolsOf(addresses: readonly IpAddress[]): CatalogPool[] {
    return addresses.flatMap((address) => this.#scope.table.catalog.poolOf(address) ?? []);
  }
}

function refusalOf(scope: DecisionScope, pools: readonly CatalogPool[], families: readonly IpFamily[]): Refusal {
  const { request, table } = scope;
  if (pools.length === 0) return nothingOpen(scope);
  const names = list(pools.map(({ pool }) => pool.name));
  const isRequired = request.familyPolicy === 'RequireDualStack' && families.length > 1;
  if (isRequired && !pools.some((pool) => families.every((family) => pool.families.includes(family)))) {
    return { reason: 'DualStackUnavailable', message: `no pool has both families: ${names}` };
  }
  if (!pools.some((pool) => families.some((family) => pool.families.includes(family)))) {
    return { reason: 'NoPool', message: `no pool has ${families.join(' or ')} addresses: ${names}` };
  }
  const limited = pools.find((pool) => !hasQuota(scope, pool, families.length - 1) && hasFree(scope, pool, families));
  if (limited !== undefined) return quotaRefusal(scope, limited);
  const retryAtMs = table.nextRestEndMs(pools);
  const resting = retryAtMs === undefined ? '' : '; freed addresses still rest';
  const isIn = (family: IpFamily, pool: CatalogPool) => table.spaces.of(pool).quarantined(family);
  const quarantined = pools.reduce((sum, pool) => families.reduce((all, family) => all + isIn(family, pool), sum), 0);
  const inUse = quarantined === 0 ? '' : `; ${quarantined} of them are in use by others`;
  return {
    reason: 'OutOfAddresses',
    message: `no free ${families.join(' and ')} address in ${names}${resting}${inUse}`,
    retryAtMs,
  };
}

function hasFree({ table }: DecisionScope, pool: CatalogPool, families: readonly IpFamily[]): boolean {
  return families.some((family) => table.spaces.of(pool).firstFree(family) !== undefined);
}

/** Why no pool at all may serve the Service. */
function nothingOpen({ request, table, namespaces }: DecisionScope): Refusal {
  const { pools } = table.catalog;
  if (pools.length === 0) return { reason: 'NoPool', message: 'there is no pool' };
  const closed = pools.flatMap(({ pool }) => closedBecause(pool, request, namespaces) ?? []);
  if (closed.length > 0) return { reason: 'SelectorMismatch', message: list(closed) };
  return {
    reason: 'NoPool',
    message: `addresses only on request: ${list(pools.map(({ pool }) => `pool ${pool.name}`))}`,
  };
}

function list(texts: readonly string[]): string {
  const rest = texts.length - MAX_POOLS_TOLD;
  return texts.slice(0, MAX_POOLS_TOLD).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
