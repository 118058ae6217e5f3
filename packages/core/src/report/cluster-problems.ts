// SPDX-License-Identifier: Apache-2.0
/** What is not as it should be by the objects of the cluster: pools, Services, nodes without a speaker, the leader. */

import { POOL_CONFIG_MAP } from '../config/pool-config.ts';
import type { HistoryEntry } from '../history/entry.ts';
import { durationText, timeText } from '../history/time-text.ts';
import type { Allocator } from '../ipam/allocator.ts';
import { describeQuarantine } from '../ipam/quarantine.ts';
import type { KubeService } from '../service/kube-service.ts';
import { CONDITION_ADDRESS_ASSIGNED } from '../service/usage.ts';
import { announcedConditionOf } from '../status/announced.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { noteOnConfig } from './config-facts.ts';
import type { LeaderRow, PoolRow, Problem, Severity, VipRow } from './model.ts';
import { problemOf } from './problem.ts';

/** A pool that is fuller than this will be full soon. */
const NEARLY_FULL = 0.8;
/** A VIP that moved so often within {@link FLAPPING_MS} moves for no good reason. */
const FLAPPING_MOVES = 4;
const FLAPPING_MS = 15 * 60_000;

export interface Shown {
  readonly vips: readonly VipRow[];
  readonly pools: readonly PoolRow[];
  readonly leader: LeaderRow | undefined;
  readonly history: readonly HistoryEntry[];
  readonly allocator: Allocator;
}

export function clusterProblems(facts: ClusterFacts, shown: Shown): Problem[] {
  return [
    ...speakerProblems(facts),
    ...leaderProblems(facts, shown),
    ...configurationProblems(facts),
    ...serviceProblems(facts),
    ...silentVips(facts, shown),
    ...poolProblems(shown),
    ...quarantineProblems(facts, shown),
    ...flapping(shown, facts.objects.nowMs),
  ];
}

function speakerProblems({ reports, nodes, objects }: ClusterFacts): Problem[] {
  const command = `kubectl -n ${objects.berthNamespace} get pods -o wide`;
  if (!reports.some(({ freshness }) => freshness === 'fresh'))
    return [problemOf({ kind: 'no-speaker', about: [], text: 'no speaker reports', command })];
  const known = new Set(reports.map(({ node }) => node));
  const without = [...nodes.keys()].filter((node) => !known.has(node));
  return without.map((node) =>
    problemOf({
      ...{ kind: 'node-without-speaker', about: [node], nodes: [node] },
      text: `no speaker reports from node ${node}`,
      command: `${command} --field-selector spec.nodeName=${node}`,
    }),
  );
}

function leaderProblems({ objects }: ClusterFacts, { leader }: Shown): Problem[] {
  if (leader?.freshness === 'fresh') return [];
  const command = `kubectl -n ${objects.berthNamespace} get pods -o wide`;
  const since = leader === undefined ? '' : ` since ${timeText(leader.renewedMs)}`;
  const text = `no controller leads${since}: no Service gets an address; VIPs that are announced stay so`;
  return [problemOf({ kind: 'no-leader', about: [], text, sinceMs: leader?.renewedMs, command })];
}

function configurationProblems(facts: ClusterFacts): Problem[] {
  const { configProblems, configFrom, objects } = facts;
  const edit = `kubectl -n ${objects.berthNamespace} edit configmap ${POOL_CONFIG_MAP}`;
  if (configProblems.length > 0) {
    const [first = ''] = configProblems[0]?.split('\n') ?? [];
    const more = configProblems.length > 1 ? ` (and ${configProblems.length - 1} more)` : '';
    const text = `the configuration is refused, ${configFrom ? 'the last good one stays in force' : 'no pools are in force'}: ${first}${more}`;
    return [problemOf({ kind: 'configuration-refused', about: [], text, command: edit })];
  }
  if (configFrom === POOL_CONFIG_MAP) return [];
  const found = { about: [], text: noteOnConfig(facts), command: commandForMissing(facts) };
  if (configFrom !== undefined) return [problemOf({ kind: 'configuration-refused', ...found })];
  return [problemOf({ kind: 'no-configuration', severity: severityOfMissing(facts), ...found })];
}

/** While MetalLB serves, or no Service waits, no client goes without. */
function severityOfMissing({ isMetallbAtWork, requests }: ClusterFacts): Severity {
  if (isMetallbAtWork) return 'info';
  return requests.length === 0 ? 'warning' : 'critical';
}

/** There is nothing to edit where the ConfigMap is missing. */
function commandForMissing({ isMetallbAtWork }: ClusterFacts): string {
  return isMetallbAtWork ? 'kubectl berth migrate metallb' : 'kubectl apply -f my-pools.yaml';
}

/** Services that wait for an address, as one problem where they wait for the same reason. */
function serviceProblems({ requests, byKey }: ClusterFacts): Problem[] {
  const waiting = requests.flatMap(({ service, shownAddresses }) => {
    const condition = conditionOf(byKey.get(service), CONDITION_ADDRESS_ASSIGNED);
    // Not judged yet: it has only just come.
    if (shownAddresses.length > 0 || condition === undefined) return [];
    const why = `${condition.reason}: ${condition.message}`;
    return [{ service, why, sinceMs: Date.parse(condition.lastTransitionTime) || undefined }];
  });
  return [...Map.groupBy(waiting, ({ why }) => why)].map(([why, rows]) => {
    const [first = ''] = rows.map(({ service }) => service);
    const what = rows.length === 1 ? `${first} has` : `${rows.length} Services, ${first} first, have`;
    const since = rows.flatMap(({ sinceMs }) => sinceMs ?? []);
    return problemOf({
      ...{ kind: 'no-address', about: [rows.length === 1 ? first : why], services: rows.map(({ service }) => service) },
      text: `${what} no address: ${why}`,
      sinceMs: since.length === 0 ? undefined : since.reduce((a, b) => Math.min(a, b)),
      command: `kubectl berth explain ${first}`,
    });
  });
}

function conditionOf(service: KubeService | undefined, type: string) {
  return service?.status?.conditions?.find((one) => one.type === type);
}

/** One problem for all VIPs that are silent for the same reason: a node that dies may leave a thousand. */
function silentVips({ byKey }: ClusterFacts, { vips }: Shown): Problem[] {
  const silent = vips.filter((row) => row.silent !== undefined);
  const groups = Map.groupBy(silent, (row) => reasonOf(row));
  return [...groups].map(([reason, rows]) => {
    const [first] = rows;
    const services = [...new Set(rows.flatMap((row) => row.services))];
    const since = services.flatMap((key) => {
      const condition = byKey.get(key);
      const announced = condition && announcedConditionOf(condition);
      return announced?.status === 'False' ? [Date.parse(announced.lastTransitionTime)] : [];
    });
    const what = rows.length === 1 ? (first?.vip ?? '') : `${rows.length} VIPs, ${first?.vip ?? ''} first,`;
    return problemOf({
      ...{ kind: 'not-announced', about: [reason], vips: rows.map(({ vip }) => vip), services },
      text: `${what} ${rows.length === 1 ? 'is' : 'are'} answered by no one: ${first?.silent ?? ''}`,
      sinceMs: since.length === 0 ? undefined : since.reduce((a, b) => Math.min(a, b)),
      command: `kubectl berth explain ${services[0] ?? ''}`.trimEnd(),
    });
  });
}

/** A message names the VIP, so only its first word is the same for many. */
function reasonOf({ silent = '', vip }: VipRow): string {
  const [word = ''] = silent.split(':', 1);
  return /^[A-Z][A-Za-z]+$/.test(word) ? word : silent.replaceAll(vip, '');
}

function poolProblems({ pools }: Shown): Problem[] {
  return pools.flatMap(({ pool, family, used, total, free, fill, forecast }) => {
    const about = { about: [pool, family], pools: [pool], command: 'kubectl berth pools' };
    if (free === '0')
      return [
        problemOf({
          kind: 'pool-full',
          ...about,
          text: `pool ${pool} has no free ${family} address: ${used} of ${total} are used`,
        }),
      ];
    if (fill < NEARLY_FULL) return [];
    const when =
      forecast.fullAtMs === undefined ? '' : `; full on ${timeText(forecast.fullAtMs).slice(0, 10)} at this pace`;
    return [
      problemOf({
        ...{ kind: 'pool-nearly-full', ...about },
        text: `pool ${pool} has ${free} free ${family} addresses of ${total}${when}`,
      }),
    ];
  });
}

/** Addresses in quarantine, but for those that a node tells of itself. */
function quarantineProblems({ reports }: ClusterFacts, { allocator }: Shown): Problem[] {
  const reported = new Set(reports.flatMap(({ state }) => (state?.conflicts ?? []).map(({ vip }) => String(vip))));
  return allocator.table.quarantined().flatMap(({ address, quarantine, holders, pool }) => {
    if (quarantine === undefined || reported.has(String(address))) return [];
    return [
      problemOf({
        ...{ kind: 'quarantine', about: [String(address)], vips: [String(address)], pools: [pool] },
        services: holders.map(({ service }) => service),
        text: `${describeQuarantine(address, quarantine)}; it is in quarantine`,
        sinceMs: quarantine.sinceMs,
        command: `kubectl berth pool release ${address}`,
      }),
    ];
  });
}

/** VIPs that go to and fro. What a person or a drain moves is no news. */
function flapping({ history }: Shown, nowMs: number): Problem[] {
  const PLANNED = new Set(['order', 'rebalance', 'not-eligible', 'leaving', 'new']);
  const recent = history.filter(
    ({ kind, atMs, why, to }) =>
      kind === 'moved' && to !== undefined && nowMs - atMs < FLAPPING_MS && !PLANNED.has(why ?? ''),
  );
  const often = [...Map.groupBy(recent, ({ vip = '' }) => vip)].filter(([, moves]) => moves.length >= FLAPPING_MOVES);
  // A node that comes and goes takes all its VIPs with it: one problem, not one for each.
  const groups = Map.groupBy(often, ([, moves]) => mostLeft(moves));
  return [...groups].map(([node, rows]) => {
    const vips = rows.map(([vip]) => vip);
    const moves = Math.max(...rows.map(([, all]) => all.length));
    const what = vips.length === 1 ? vips[0] : `${vips.length} VIPs, ${vips[0]} first,`;
    const from = node === '' ? '' : `; ${node} lost ${vips.length === 1 ? 'it' : 'them'} most often`;
    return problemOf({
      ...{ kind: 'flapping', about: [node], vips, nodes: node === '' ? [] : [node] },
      services: [...new Set(rows.flatMap(([, all]) => all.flatMap(({ services }) => services)))],
      text: `${what} moved ${moves} times in ${durationText(FLAPPING_MS)}${from}`,
      command: node === '' ? `kubectl berth history ${vips[0]}` : `kubectl berth drain ${node}`,
    });
  });
}

function mostLeft(moves: readonly HistoryEntry[]): string {
  const counts = new Map<string, number>();
  for (const { from } of moves) if (from !== undefined) counts.set(from, (counts.get(from) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? '';
}
