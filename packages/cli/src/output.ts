// SPDX-License-Identifier: Apache-2.0
/** Text for people and JSON for programs. */
import type { PoolUsageReport } from '@berth/core';
import Table from 'cli-table3';

/** Numbers beyond this are shown rounded; a reader of a /64 does not count. */
const MAX_EXACT = 1_000_000_000n;

/** Columns without lines between them; the first row is the head. Ends with a line break. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const table = new Table({ chars: NO_LINES, style: { 'padding-left': 0, 'padding-right': 2, border: [], head: [] } });
  for (const row of rows) table.push([...row]);
  const lines = table.toString().split('\n');
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

/** JSON with an end of line; large numbers as text, since no JSON number holds them. */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner), 2);
  return `${text}\n`;
}

/** Rows of the table of pools. */
export function usageRows(usage: readonly PoolUsageReport[]): string[][] {
  const head = ['POOL', 'FAMILY', 'TOTAL', 'USED', 'COOLING', 'QUARANTINED', 'FREE', 'ADDRESSES'];
  const rows = usage.map(({ pool, family, total, used, cooling, quarantined, free, addresses }) => [
    pool,
    family,
    ...[total, used, cooling, quarantined, free].map(formatCount),
    addresses.join(' '),
  ]);
  return [head, ...rows];
}

export function formatCount(count: bigint): string {
  if (count <= MAX_EXACT) return String(count);
  const power = count.toString(2).length - 1;
  return `${count === 1n << BigInt(power) ? '' : 'over '}2^${power}`;
}
