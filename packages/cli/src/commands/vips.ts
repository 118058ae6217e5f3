// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth vips`: every address with its Service, who answers for it since when and why, and whether other nodes
 * get its answer.
 */
import { type ClusterObjects, clusterReport, readCluster, type VipRow } from '@berth/core';
import { readFacts } from '../cluster-facts.ts';
import { noteOnConfig } from '../cluster-state.ts';
import { type Environment, EXIT } from '../environment.ts';
import { lookForBerth } from '../installed.ts';
import type { Operation } from '../operation.ts';
import { VipText } from '../vip-text.ts';
import { watchRows } from '../watching.ts';

type Vips = Extract<Operation, { kind: 'vips' }>;

export async function vips(operation: Vips, environment: Environment): Promise<number> {
  const { cluster, output } = operation;
  if (operation.isWatching) return watch(operation, environment);
  const { api } = await environment.connect(cluster);
  const facts = await readFacts(api, cluster, environment.clock);
  const absence = await lookForBerth(facts.reports, api, cluster);
  environment.err(absence === undefined ? noteOnConfig(facts) : `${absence.text}\n`);
  const rows = clusterReport(facts).vips;
  if (rows.length === 0 && (output === 'text' || output === 'wide')) environment.err('no Service has an address\n');
  else new VipText(environment, output).all(rows);
  return EXIT.ok;
}

/** Prints all, and then each address that is another than before, until it is interrupted. */
function watch({ cluster, output }: Vips, environment: Environment): Promise<number> {
  const text = new VipText(environment, output);
  return watchRows<VipRow>(
    {
      rowsOf: (objects: ClusterObjects) => clusterReport(readCluster(objects)).vips,
      keyOf: ({ vip }) => vip,
      factsOf: (row) => JSON.stringify(row),
      begin: (rows) => text.all(rows),
      next: (row) => text.next(row),
      gone: ({ vip }) => text.next(goneRow(vip)),
    },
    cluster,
    environment,
  );
}

/** An address that is gone is shown once more, without Service and owner. */
function goneRow(vip: string): VipRow {
  return {
    ...{ vip, family: vip.includes(':') ? 'IPv6' : 'IPv4', services: [], pool: undefined, claims: [], servedBy: 'any' },
    ...{ reachable: 'unknown', reachableText: '', silent: 'no Service has it any more' },
  };
}
