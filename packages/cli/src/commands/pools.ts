// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth pools`: how full each pool is, counted from the ledger, and which addresses strangers use. */
import {
  type AddressRecord,
  Allocator,
  type PoolFacts,
  type PoolUsageReport,
  poolReport,
  readCluster,
  yamlText,
} from '@berth/core';
import { noteOnConfig, readClusterState } from '../cluster-state.ts';
import { type Environment, EXIT } from '../environment.ts';
import { absenceNow } from '../installed.ts';
import { LiveTable } from '../live-table.ts';
import type { Operation } from '../operation.ts';
import { formatJson, printTable, printValue, USAGE_HEAD, usageRow } from '../output.ts';
import { watchRows } from '../watching.ts';

type Pools = Extract<Operation, { kind: 'pools' }>;

/** How full one pool is in one family, and what of it is in quarantine. */
type PoolRow = PoolUsageReport & { readonly quarantine: readonly Quarantined[] };

interface Quarantined {
  readonly address: string;
  readonly mac: string;
  readonly node: string;
  readonly interface: string;
  readonly since: string;
}

export async function pools(operation: Pools, environment: Environment): Promise<number> {
  const { output, cluster, isWatching } = operation;
  if (isWatching) return watch(operation, environment);
  const { api } = await environment.connect(cluster);
  const state = await readClusterState(api, cluster);
  const absence = state.configFrom === undefined ? await absenceNow(api, cluster, environment) : undefined;
  environment.err(absence === undefined ? noteOnConfig(state) : `${absence.text}\n`);
  const rows = rowsOf(state, environment);
  if (printValue(environment, output, rows)) return EXIT.ok;
  printTable(environment, [USAGE_HEAD, ...rows.map(usageRow)], { output, toneOf: (row) => toneOf(rows[row]) });
  const quarantined = rows.flatMap(({ quarantine }) => quarantine);
  if (quarantined.length === 0) return EXIT.ok;
  environment.out('\n');
  const head = ['IN QUARANTINE', 'USED BY', 'SEEN BY', 'SINCE'];
  printTable(environment, [head, ...quarantined.map(quarantineCells)], { output, toneOf: () => 'warning' });
  return EXIT.ok;
}

/**
 * Prints all pools, and then each that is another than before; of those in quarantine it tells with `-o json` and
 * `yaml`.
 */
function watch({ output, cluster }: Pools, environment: Environment): Promise<number> {
  const table = new LiveTable(environment, output);
  const print = (row: PoolRow) => {
    if (output === 'json') environment.out(`${JSON.stringify(plain(row))}\n`);
    else if (output === 'yaml') environment.out(`---\n${yamlText(plain(row))}`);
    else table.add([{ cells: usageRow(row), tone: toneOf(row) }]);
  };
  return watchRows<PoolRow>(
    {
      rowsOf: (objects) => rowsOf(readCluster(objects), environment),
      keyOf: ({ pool, family }) => `${pool} ${family}`,
      factsOf: formatJson,
      begin: (rows) => {
        if (printValue(environment, output, rows)) return;
        table.begin(
          USAGE_HEAD,
          rows.map((row) => ({ cells: usageRow(row), tone: toneOf(row) })),
        );
      },
      next: print,
      gone: ({ pool, family }) => environment.err(`pool ${pool} has no ${family} any more\n`, 'warning'),
    },
    cluster,
    environment,
  );
}

/** As JSON has it: large numbers are text. */
function plain(row: PoolRow): unknown {
  return JSON.parse(formatJson(row)) as unknown;
}

function toneOf(row: PoolRow | undefined): 'bad' | undefined {
  return row?.free === 0n ? 'bad' : undefined;
}

function rowsOf(state: Pick<PoolFacts, 'config' | 'namespaces' | 'occupants' | 'ledger'>, environment: Environment) {
  const allocator = new Allocator(state);
  for (const { object, key, message } of allocator.reset(state.ledger))
    environment.err(`ledger ${object}: ${key}: ${message}\n`, 'warning');
  const quarantined = allocator.table.quarantined();
  const quarantineOf = ({ pool, family }: PoolUsageReport) =>
    quarantined.filter((record) => record.pool === pool && record.address.family === family).map(factsOf);
  const usage = poolReport(allocator, environment.clock.date().getTime());
  return usage.map((row): PoolRow => ({ ...row, quarantine: quarantineOf(row) }));
}

function quarantineCells({ address, mac, node, interface: ifname, since }: Quarantined): string[] {
  return [address, mac, `${node} on ${ifname}`, since];
}

function factsOf({ address, quarantine }: AddressRecord): Quarantined {
  return {
    address: String(address),
    mac: String(quarantine?.mac ?? ''),
    node: quarantine?.node ?? '',
    interface: quarantine?.interface ?? '',
    since: new Date(quarantine?.sinceMs ?? 0).toISOString(),
  };
}
