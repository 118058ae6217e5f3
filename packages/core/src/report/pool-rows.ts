// SPDX-License-Identifier: Apache-2.0
/** How full each pool is, and when it will be full if things go on as in the last days. */
import type { Allocator } from '../ipam/allocator.ts';
import { type PoolUsageReport, poolReport } from '../ipam/pool-report.ts';
import type { KubeService } from '../service/kube-service.ts';
import type { PoolForecast, PoolRow } from './model.ts';

const DAY_MS = 24 * 3_600_000;
/** What was given in so many days tells how fast a pool fills. */
const FORECAST_DAYS = 7;
/** No one plans further ahead. */
const LONGEST_DAYS = 3650;

/** One row for each pool and family, by pool name. */
export function poolRows(
  allocator: Allocator,
  services: ReadonlyMap<string, KubeService>,
  nowMs: number,
): readonly PoolRow[] {
  const days = observedDays(services, nowMs);
  const given = givenSince(allocator, services, nowMs - days * DAY_MS);
  return poolReport(allocator, nowMs).map((usage) => {
    const { pool, family, addresses, total, used, cooling, quarantined, free } = usage;
    const recent = given.get(`${pool} ${family}`) ?? 0;
    return {
      ...{ pool, family, addresses },
      ...{ total: String(total), used: String(used), cooling: String(cooling) },
      ...{ quarantined: String(quarantined), free: String(free) },
      fill: total === 0n ? 1 : Number(total - free) / Number(total),
      forecast: forecastOf(usage, { given: recent, days, nowMs }),
    };
  });
}

/** The days that there is something to learn from: a cluster of yesterday has filled its pools in a day. */
function observedDays(services: ReadonlyMap<string, KubeService>, nowMs: number): number {
  let oldestMs = nowMs;
  for (const { metadata } of services.values()) {
    const createdMs = Date.parse(metadata?.creationTimestamp ?? '');
    if (createdMs < oldestMs) oldestMs = createdMs;
  }
  return Math.min(FORECAST_DAYS, Math.max(1, Math.ceil((nowMs - oldestMs) / DAY_MS)));
}

function givenSince(
  { table }: Allocator,
  services: ReadonlyMap<string, KubeService>,
  sinceMs: number,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { address, holders } of table.records()) {
    const [first] = holders;
    const created = first && services.get(first.service)?.metadata?.creationTimestamp;
    if (created === undefined || Date.parse(created) < sinceMs) continue;
    const pool = table.catalog.poolOf(address)?.pool.name;
    if (pool === undefined) continue;
    const key = `${pool} ${address.family}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function forecastOf(
  { free }: PoolUsageReport,
  { given, days, nowMs }: { readonly given: number; readonly days: number; readonly nowMs: number },
): PoolForecast {
  if (free === 0n) return { trend: 'full', given, days, fullAtMs: nowMs };
  if (given === 0) return { trend: 'steady', given, days, fullAtMs: undefined };
  const left = (Number(free) / given) * days;
  return {
    trend: 'filling',
    given,
    days,
    fullAtMs: left > LONGEST_DAYS ? undefined : Math.round(nowMs + left * DAY_MS),
  };
}
