// SPDX-License-Identifier: Apache-2.0
/** What each pool would say to a Service, for people who ask why it has no address, or this one. */
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import type { Allocator } from './allocator.ts';
import { closedBecause, quotaOf } from './pool-access.ts';
import type { CatalogPool } from './pool-catalog.ts';
import { type PoolUsageReport, poolReport } from './pool-report.ts';

export interface PoolAnswer {
  readonly pool: string;
  /** The object of MetalLB that it is, as `namespace/name`; undefined: it stands in the ConfigMap. */
  readonly object: string | undefined;
  /** Why the pool is closed to the Service; undefined: it is open. */
  readonly closed: string | undefined;
  /** Whether a Service that asks for nothing may get an address from here. */
  readonly autoAssign: boolean;
  /** Addresses that the namespace of the Service holds, and may hold at most; undefined: there is no quota for it. */
  readonly quota: { readonly used: number; readonly limit: number } | undefined;
  /** Addresses of the pool that are kept for this Service. */
  readonly reserved: readonly IpAddress[];
  /** One row per family. */
  readonly usage: readonly PoolUsageReport[];
}

/** All pools in the order in which they would be tried. */
export function explainPools(allocator: Allocator, request: ServiceRequest, nowMs: number): readonly PoolAnswer[] {
  const report = poolReport(allocator, nowMs);
  return allocator.table.catalog.pools.map((pool) => ({
    pool: pool.pool.name,
    object: pool.pool.metallb?.object,
    closed: closedBecause(pool.pool, request, allocator.surroundings.namespaces),
    autoAssign: pool.pool.autoAssign,
    quota: quotaFor(allocator, pool, request),
    reserved: allocator.table.catalog
      .reservedFor(request.service)
      .filter((address) => allocator.table.catalog.poolOf(address) === pool),
    usage: report.filter((row) => row.pool === pool.pool.name),
  }));
}

function quotaFor({ table }: Allocator, pool: CatalogPool, { namespace }: ServiceRequest): PoolAnswer['quota'] {
  const limit = quotaOf(pool.pool, namespace);
  return limit === undefined ? undefined : { used: table.spaces.of(pool).usedBy(namespace), limit };
}
