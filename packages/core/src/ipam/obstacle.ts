// SPDX-License-Identifier: Apache-2.0
/** Whether a Service may have one certain address, which it asks for. */
import { nearestName } from '../config/nearest-name.ts';
import type { IpAddress } from '../net/ip-address.ts';
import { namespaceOfKey } from '../service/kube-service.ts';
import { type AddressRecord, restsFor } from './address-record.ts';
import type { DecisionScope } from './decision-scope.ts';
import type { Occupant } from './occupants.ts';
import { closedBecause, quotaOf } from './pool-access.ts';
import { type CatalogPool, isUsable, type PoolCatalog } from './pool-catalog.ts';
import { describeQuarantine } from './quarantine.ts';
import type { Refusal } from './refusal.ts';
import { obstacleToJoin } from './sharing.ts';

/** The first reason why the Service cannot have all of the addresses, or undefined when it can. */
export function obstacleTo(scope: DecisionScope, addresses: readonly IpAddress[]): Refusal | undefined {
  let more = 0;
  for (const address of addresses) {
    const pool = scope.table.catalog.poolOf(address);
    if (pool === undefined) return { reason: 'NoPool', message: `${address} is in no pool` };
    const refusal = poolObstacle(scope, pool, address) ?? addressObstacle(scope, pool, address);
    if (refusal !== undefined) return refusal;
    if (isCounted(scope, scope.table.get(address))) continue;
    if (!hasQuota(scope, pool, more)) return quotaRefusal(scope, pool);
    more++;
  }
  return undefined;
}

/** Refuses addresses of two pools: the two addresses of a dual-stack Service come from one. */
export function obstacleToPair({ table }: DecisionScope, addresses: readonly IpAddress[]): Refusal | undefined {
  const pools = new Set(addresses.flatMap((address) => table.catalog.poolOf(address)?.pool.name ?? []));
  if (pools.size < 2) return undefined;
  const names = [...pools].join(' and ');
  const message = `${addresses.join(' and ')} are of the pools ${names}, but both must come from one pool`;
  return { reason: 'InvalidRequest', message };
}

/** The pool that the Service asks for, or why it cannot have one. */
export function wantedPoolOf({ request, table, namespaces }: DecisionScope): CatalogPool | Refusal | undefined {
  if (request.wantedPool === undefined) return undefined;
  const pool = table.catalog.named(request.wantedPool);
  if (pool === undefined) return { reason: 'NoPool', message: noSuchPool(request.wantedPool, table.catalog) };
  const closed = closedBecause(pool.pool, request, namespaces);
  return closed === undefined ? pool : { reason: 'SelectorMismatch', message: closed };
}

/** Whether the addresses of a pool are shared between the namespaces of the Services. */
export function isShareable(scope: DecisionScope, pool: CatalogPool, record: AddressRecord): boolean {
  return joinObstacle(scope, pool, record) === undefined;
}

/** Whether the Service's namespace may hold one more address of the pool, besides `more` that are chosen already. */
export function hasQuota(scope: DecisionScope, pool: CatalogPool, more = 0): boolean {
  const { request, table } = scope;
  const quota = quotaOf(pool.pool, request.namespace);
  return quota === undefined || table.spaces.of(pool).usedBy(request.namespace) - givenUp(scope, pool) + more < quota;
}

/** How many addresses of the pool no longer count once the Service has moved: none where they rest for a while. */
function givenUp({ request, table, staying }: DecisionScope, pool: CatalogPool): number {
  const { service, namespace } = request;
  if (pool.pool.cooldownSeconds > 0) return 0;
  const isShared = ({ holders }: AddressRecord) =>
    holders.some((other) => other.service !== service && namespaceOfKey(other.service) === namespace);
  const isLeft = (record: AddressRecord) =>
    table.catalog.poolOf(record.address) === pool && !staying.some((address) => address.equals(record.address));
  return table.heldBy(service).filter((record) => isLeft(record) && !isShared(record)).length;
}

function poolObstacle(scope: DecisionScope, { pool }: CatalogPool, address: IpAddress): Refusal | undefined {
  const { request, table, namespaces } = scope;
  const { wantedPool } = request;
  if (wantedPool !== undefined && wantedPool !== pool.name) {
    if (table.catalog.named(wantedPool) === undefined) {
      return { reason: 'NoPool', message: noSuchPool(wantedPool, table.catalog) };
    }
    const message = `${address} is in pool ${pool.name}, but the Service asks for pool ${wantedPool}`;
    return { reason: 'InvalidRequest', message };
  }
  const closed = closedBecause(pool, request, namespaces);
  return closed === undefined ? undefined : { reason: 'SelectorMismatch', message: `${address}: ${closed}` };
}

/**
 * Who has the address although the ledger does not say so. What the ledger gives to somebody, it knows better than a
 * status.
 */
export function occupantOf({ request, table }: DecisionScope, address: IpAddress): Occupant | undefined {
  const occupant = table.catalog.occupants.holderOf(address, request.service);
  const isHeld = (table.get(address)?.holders.length ?? 0) > 0;
  return occupant?.isCandidate && isHeld ? undefined : occupant;
}

function addressObstacle(scope: DecisionScope, pool: CatalogPool, address: IpAddress): Refusal | undefined {
  const { request, table, nowMs } = scope;
  if (request.leaving.some((other) => other.equals(address))) {
    return {
      reason: 'InvalidRequest',
      message: `the Service asks for ${address}, and its annotation berth.dev/renumber gives that address up`,
    };
  }
  if (!isUsable(pool, address)) {
    return { reason: 'AddressExcluded', message: `pool ${pool.pool.name} does not give ${address}` };
  }
  const occupant = occupantOf(scope, address);
  if (occupant !== undefined) return { reason: 'AddressInUse', message: `${address} is ${occupant.holder}` };
  const reservedFor = pool.reservedFor.get(address.toString());
  if (reservedFor !== undefined && reservedFor !== request.service) {
    return { reason: 'AddressReserved', message: `${address} is reserved for ${reservedFor}` };
  }
  const record = table.get(address);
  if (record?.quarantine !== undefined) {
    return {
      reason: 'AddressInUse',
      message: `${describeQuarantine(address, record.quarantine)}; it is in quarantine`,
    };
  }
  if (restsFor(record, request.service, nowMs)) {
    const retryAtMs = record?.former?.restsUntilMs;
    return {
      reason: 'CoolingDown',
      message: `${address} was freed by ${record?.former?.service} and still rests`,
      retryAtMs,
    };
  }
  const message = record === undefined ? undefined : joinObstacle(scope, pool, record);
  return message === undefined ? undefined : { reason: 'AlreadyAllocated', message };
}

/**
 * Whether the address counts for the namespace of the Service already: a Service of it holds it, or it rests for this
 * one.
 */
export function isCounted({ request, nowMs }: DecisionScope, record: AddressRecord | undefined): boolean {
  if (record === undefined) return false;
  const { holders, former } = record;
  const isResting = former?.service === request.service && former.restsUntilMs > nowMs;
  return isResting || holders.some(({ service }) => namespaceOfKey(service) === request.namespace);
}

export function quotaRefusal({ request, table }: DecisionScope, catalogPool: CatalogPool): Refusal {
  const { pool } = catalogPool;
  const retryAtMs = pool.cooldownSeconds > 0 ? table.nextRestEndMs([catalogPool]) : undefined;
  const resting = retryAtMs === undefined ? '' : '; addresses that rest count too';
  const message = `namespace ${request.namespace} holds all ${quotaOf(pool, request.namespace)} addresses that pool ${pool.name} allows it${resting}`;
  return { reason: 'QuotaExceeded', message, retryAtMs };
}

/** Why the Service may not share this address of the pool, or undefined when it may. */
export function joinObstacle(
  { request, table }: DecisionScope,
  { pool }: CatalogPool,
  record: AddressRecord,
): string | undefined {
  const sharer = { service: request.service, terms: request.sharing };
  const acrossNamespaces = pool.serviceAllocation.sharedAcrossNamespaces;
  return obstacleToJoin(sharer, record, { acrossNamespaces, maxBytes: table.limitOf(record.address) });
}

function noSuchPool(wanted: string, catalog: PoolCatalog): string {
  const name = wanted.slice(0, 64);
  const meant = nearestName(
    name,
    catalog.pools.map(({ pool }) => pool.name),
  );
  return `there is no pool ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}
