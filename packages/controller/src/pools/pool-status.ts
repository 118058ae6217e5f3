// SPDX-License-Identifier: Apache-2.0
/**
 * The ConfigMap `pool-status`: what `kubectl get configmap pool-status -o yaml` tells about pools and configuration.
 */
import {
  type AddressRecord,
  type Decision,
  formatProblem,
  METALLB_OBJECTS_KEY,
  METALLB_STATUS_KEY,
  type PoolUsageReport,
} from '@berth/core';
import type { MetallbSource } from './metallb-source.ts';
import type { PoolData, PoolState } from './pool-source.ts';

/** Lines of a list that are shown; the rest is counted. */
const MAX_LINES = 50;

export interface PoolStatusInput {
  readonly pools: PoolState;
  readonly usage: readonly PoolUsageReport[];
  readonly stranded: readonly Decision[];
  readonly quarantined: readonly AddressRecord[];
  /** Why speakers do not hear of the configuration that is in force; default: they do. */
  readonly unheard?: string | undefined;
  /** What is known of objects of MetalLB. @default nothing is said of them */
  readonly metallb?: MetallbSource;
}

/** Returns the data of the ConfigMap; the same input gives the same text. */
export function formatPoolStatus(input: PoolStatusInput): PoolData {
  const { pools, usage, stranded, quarantined, unheard } = input;
  return {
    config: pools.report,
    problems: list([...(unheard ? [unheard] : []), ...[...pools.problems, ...pools.warnings].map(formatProblem)]),
    pools: table([['POOL', 'FAMILY', 'TOTAL', 'USED', 'FREE', 'QUARANTINED', 'ADDRESSES'], ...usage.map(usageRow)]),
    stranded: table(stranded.slice(0, MAX_LINES).map(strandedRow)) + rest(stranded.length),
    quarantined: table(quarantined.slice(0, MAX_LINES).map(quarantinedRow)) + rest(quarantined.length),
    'pools.json': `${JSON.stringify(usage.map(usageJson))}\n`,
    ...metallbStatus(input),
  };
}

// A cluster that never had any reads nothing of them.
function metallbStatus({ pools, metallb }: PoolStatusInput): PoolData {
  const word = metallb?.kind === 'unread' ? metallb.why : metallb?.kind;
  const isUsed = pools.data?.[METALLB_OBJECTS_KEY] !== undefined;
  const isThere = word === 'MetallbRuns' || (metallb?.kind === 'read' && metallb.text !== '');
  return word !== undefined && (isUsed || isThere) ? { [METALLB_STATUS_KEY]: word } : {};
}

function usageRow({ pool, family, total, used, free, quarantined, addresses }: PoolUsageReport): string[] {
  return [pool, family, ...[total, used, free, quarantined].map(String), addresses.join(' ')];
}

// Numbers of a large IPv6 range do not fit into a JSON number.
function usageJson({ pool, family, addresses, ...counted }: PoolUsageReport): unknown {
  const { total, used, cooling, quarantined, free } = counted;
  const all = Object.entries({ total, used, cooling, quarantined, free });
  const counts = Object.fromEntries(all.map(([name, count]) => [name, String(count)]));
  return { pool, family, ...counts, addresses };
}

function strandedRow({ service, addresses, remarks }: Decision): string[] {
  return [service, addresses.map(({ address }) => address.toString()).join(','), remarks.join(',')];
}

function quarantinedRow({ address, quarantine }: AddressRecord): string[] {
  return quarantine === undefined
    ? [String(address)]
    : [String(address), String(quarantine.mac), quarantine.node, new Date(quarantine.sinceMs).toISOString()];
}

function list(lines: readonly string[]): string {
  return lines
    .slice(0, MAX_LINES)
    .map((line) => `${line}\n`)
    .join('')
    .concat(rest(lines.length));
}

function rest(count: number): string {
  return count > MAX_LINES ? `and ${count - MAX_LINES} more\n` : '';
}

/** Columns as wide as their widest cell, two blanks between them, none at the end of a line. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2)).join('');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
