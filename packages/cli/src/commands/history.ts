// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth history [VIP|SERVICE|NODE]`: who answered for what and when, and what happened beside that, as the
 * leader wrote it down.
 */
import { HISTORY_MAP, type HistoryEntry, IpAddress, readHistory, timeText } from '@berth/core';
import { configMaps } from '@berth/kube';
import { findObject } from '../cluster-state.ts';
import { type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { printTable, printValue } from '../output.ts';

export async function history(
  operation: Extract<Operation, { kind: 'history' }>,
  environment: Environment,
): Promise<number> {
  const { cluster, about, sinceMs, output } = operation;
  const { api, namespace } = await environment.connect(cluster);
  const map = await findObject(api, configMaps, { namespace: cluster.berthNamespace, name: HISTORY_MAP });
  const report = readHistory(map ? [map] : []);
  if (report.text !== '') environment.err(`${report.text}\n`);
  const address = IpAddress.parse(about ?? '');
  const wanted = address.ok ? String(address.value) : about;
  const fromMs = sinceMs === undefined ? Number.NEGATIVE_INFINITY : environment.clock.date().getTime() - sinceMs;
  const entries = report.entries.filter((entry) => entry.atMs >= fromMs && isAbout(entry, wanted, namespace));
  const isPrinted = printValue(environment, output, entries.map(jsonOf));
  if (!isPrinted && entries.length > 0) printTable(environment, [HEAD, ...entries.map(rowOf)], { output });
  else if (!isPrinted && report.state === 'kept') environment.err('nothing of that kind happened\n');
  return report.state === 'kept' || report.state === 'none' ? EXIT.ok : EXIT.failed;
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
