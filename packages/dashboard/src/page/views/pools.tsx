// SPDX-License-Identifier: Apache-2.0
/** The pools: how full, and when they will be. */
import type { PoolRow } from '@berth/core';
import { formatAddresses, formatCount, formatSpan } from '../format.ts';
import { Empty, Section } from '../parts/section.tsx';
import { formatRoute } from '../route.ts';
import { nowMs, parts, pools } from '../state.ts';

/** Where a pool counts as nearly full. */
const NEARLY = 0.9;

export function PoolsSection() {
  const { configuration } = parts.value;
  return (
    <Section
      title="Pools"
      note={configuration.from === 'last-good-pools' ? 'the last good configuration is in force' : undefined}
    >
      {pools.value.length === 0 && (
        <Empty icon="info">
          No pool: apply a ConfigMap “ip-address-pools” with an IPAddressPool, and Services get addresses.
        </Empty>
      )}
      <Refused />
      <ul class="plain pools">
        {pools.value.map((row) => (
          <PoolItem key={`${row.pool} ${row.family}`} row={row} />
        ))}
      </ul>
    </Section>
  );
}

function Refused() {
  const { problems } = parts.value.configuration;
  if (problems.length === 0) return null;
  return (
    <div class="refused">
      <p>ConfigMap ip-address-pools is refused:</p>
      <pre>{problems.join('\n')}</pre>
    </div>
  );
}

function PoolItem({ row }: { readonly row: PoolRow }) {
  const { pool, family, fill, total, free, addresses } = row;
  const tone = fill >= 1 ? 'critical' : fill >= NEARLY ? 'warning' : 'good';
  return (
    <li class="pool">
      <a href={formatRoute('vips', { filter: `pool:${pool}` })} class="pool-head">
        <strong>{pool}</strong> <span class="muted">{family}</span>
        <span class="pool-count">
          {formatAddresses(free)} <span class="muted">of {formatAddresses(total)} free</span>
        </span>
      </a>
      <div class={`bar wide ${tone}`} role="img" aria-label={`${Math.floor(fill * 100)} % in use`}>
        <i style={{ width: part(row.used, total) }} />
        <i class="cooling" style={{ width: part(row.cooling, total) }} title={`${row.cooling} cooling down`} />
        <i
          class="quarantined"
          style={{ width: part(row.quarantined, total) }}
          title={`${row.quarantined} in quarantine`}
        />
      </div>
      <p class="muted pool-foot">
        <span class="mono ranges">{addresses.join(', ')}</span>
        <span>{forecastText(row, nowMs.value)}</span>
      </p>
    </li>
  );
}

function part(count: string, total: string): string {
  const all = BigInt(total);
  return all === 0n ? '0%' : `${Number((BigInt(count) * 10_000n) / all) / 100}%`;
}

/** What is to be expected, by how many addresses were given lately. */
export function forecastText({ forecast, quarantined, cooling }: PoolRow, atMs: number): string {
  const { trend, given, days, fullAtMs } = forecast;
  const extra = [
    ...(quarantined === '0' ? [] : [`${quarantined} in quarantine`]),
    ...(cooling === '0' ? [] : [`${cooling} cooling down`]),
  ];
  const rate = `${formatCount(given, 'address', 'addresses')} given in ${formatCount(days, 'day')}`;
  const outlook =
    trend === 'full'
      ? 'full'
      : trend === 'steady'
        ? 'steady'
        : fullAtMs === undefined
          ? `${rate}: not full within ten years`
          : `full in about ${formatSpan(fullAtMs - atMs)} (${rate})`;
  return [outlook, ...extra].join(' · ');
}
