// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth history [VIP|SERVICE|NODE]`: who answered for what and when, and what happened beside that, as the
 * leader wrote it down.
 */
import {
  HISTORY_MAP,
  type HistoryEntry,
  IpAddress,
  includesAddress,
  readHistory,
  shownAddressesOf,
  timeText,
} from '@berth/core';
import { configMaps, type KubeApi, nodes, services } from '@berth/kube';
import { findObject, readClusterState } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import { absenceNow } from '../installed.ts';
import type { ClusterOptions, Operation } from '../operation.ts';
import { printTable, printValue } from '../output.ts';

export async function history(
  operation: Extract<Operation, { kind: 'history' }>,
  environment: Environment,
): Promise<number> {
  const { cluster, about, sinceMs, output } = operation;
  const { api, namespace: own } = await environment.connect(cluster);
  const namespace = operation.namespace ?? own;
  const map = await findObject(api, configMaps, { namespace: cluster.berthNamespace, name: HISTORY_MAP });
  const report = readHistory(map ? [map] : []);
  const absence = report.state === 'none' ? await absenceNow(api, cluster, environment) : undefined;
  const remark = absence?.text ?? report.text;
  if (remark !== '') environment.err(`${remark}\n`);
  const address = IpAddress.parse(about ?? '');
  const wanted = address.ok ? String(address.value) : about?.replace(KIND, '');
  const told = report.entries.filter((entry) => isAbout(entry, wanted, namespace));
  if (wanted !== undefined && told.length === 0) await refuseUnknown(wanted, { api, cluster, namespace });
  const fromMs = sinceMs === undefined ? Number.NEGATIVE_INFINITY : environment.clock.date().getTime() - sinceMs;
  const entries = told.filter(({ atMs }) => atMs >= fromMs);
  const isPrinted = printValue(environment, output, entries.map(jsonOf));
  if (!isPrinted && entries.length > 0) printTable(environment, [HEAD, ...entries.map(rowOf)], { output });
  else if (!isPrinted && report.state === 'kept') environment.err('nothing of that kind happened\n');
  return report.state === 'kept' || report.state === 'none' ? EXIT.ok : EXIT.failed;
}

/** As kubectl writes a name. */
const KIND = /^(service|svc|node)\//;

interface Place {
  readonly api: KubeApi;
  readonly cluster: ClusterOptions;
  /** Of a Service that is named without one. */
  readonly namespace: string;
}

/** Nothing may have happened to what is there; what is not there is a mistake of whoever asks. */
async function refuseUnknown(about: string, { api, cluster, namespace }: Place): Promise<void> {
  const address = IpAddress.parse(about);
  if (address.ok) {
    const { config, services: all } = await readClusterState(api, cluster);
    const isInPool = config.pools.some((pool) => pool.addresses.some(({ range }) => range.contains(address.value)));
    if (isInPool || all.some((service) => includesAddress(shownAddressesOf(service), address.value))) return;
    throw new CommandError(`no pool has ${about}, no Service has it, and the history does not tell of it`);
  }
  const [name = '', within = namespace] = about.split('/').reverse();
  if ((await findObject(api, services, { namespace: within, name })) !== undefined) return;
  const service = `there is no Service ${within}/${name}`;
  if (about.includes('/')) throw new CommandError(`${service}, and the history does not tell of one`);
  if ((await findObject(api, nodes, { name })) !== undefined) return;
  throw new CommandError(`${service} and no node ${name}, and the history does not tell of either`);
}

const HEAD = ['TIME', 'ABOUT', 'SERVICE', 'WHAT HAPPENED'];

/** An address, a node, or a Service; one without a namespace is of that of the context. */
function isAbout(entry: HistoryEntry, about: string | undefined, namespace: string): boolean {
  if (about === undefined) return true;
  const { vip, node, from, to, services, subject } = entry;
  if ([vip, node, from, to].includes(about)) return true;
  if (services.includes(about.includes('/') ? about : `${namespace}/${about}`)) return true;
  // The other node of what is heard stands in its subject alone.
  return entry.kind === 'hearing' && subject.split(' ').includes(about);
}

function rowOf({ atMs, vip, node, services, text }: HistoryEntry): string[] {
  return [timeText(atMs), vip ?? node ?? '-', services.join(' ') || '-', text];
}

function jsonOf({ atMs, ...entry }: HistoryEntry) {
  return { time: new Date(atMs).toISOString(), ...entry };
}
