// SPDX-License-Identifier: Apache-2.0
/**
 * What would happen if nodes were drained or lost, or another pool file applied: by the very rules that would decide
 * it. Nothing is written.
 */
import { applyFiles, stayingText } from '../config/applied.ts';
import { isConfigMapManifest } from '../config/config-file.ts';
import { POOL_CONFIG_MAP, type PoolConfig } from '../config/pool-config.ts';
import { formatProblem } from '../config/problem.ts';
import { type ConfigPreview, previewConfig } from '../ipam/preview.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { KubeService } from '../service/kube-service.ts';
import { wasAnnounced } from '../status/announced-before.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { joinObjects, objectsWithout } from './config-facts.ts';
import { isLive } from './node-report.ts';
import {
  type DarkVip,
  type Outlook,
  type OutlookMove,
  type PoolsOutlook,
  serviceRows,
  type WhatIf,
} from './outlook.ts';
import { type Holding, OwnerBoard } from './owner-board.ts';

const DEFAULT_NAMESPACE = 'berth-system';

/** Names of nodes that there are not are left out, with a remark. */
export function whatIf(facts: ClusterFacts, { drain = [], lose = [], poolFile }: WhatIf): Outlook {
  const known = new Set(facts.nodes.keys());
  const lost = [...new Set(lose)].filter((node) => known.has(node));
  const drained = [...new Set(drain)].filter((node) => known.has(node) && !lost.includes(node));
  const pools = poolFile && poolsOutlook(facts, poolFile);
  const next = pools?.config ?? facts.config;
  const before = new OwnerBoard(facts);
  const after = new OwnerBoard({ ...facts, config: next });
  if (pools?.preview) {
    after.applyPolicies();
    after.add(newVips(pools.preview, facts));
  }
  for (const node of drained) after.drain(node);
  if (lost.length > 0) after.lose(lost);
  const changes = changesBetween(before.holdings, after);
  return {
    ...changes,
    loads: loadsOf(facts, before.holdings, after.holdings),
    pools: pools?.outlook,
    commands: commandsFor(drained, poolFile, { pools, facts }),
    remarks: [
      ...(poolFile && pools?.others ? remarkOnOthers(poolFile, pools.others) : []),
      ...remarksOn(
        { drained, lost, unknown: [...drain, ...lose].filter((node) => !known.has(node)) },
        { facts, changes },
      ),
    ],
  };
}

interface PoolsRead {
  readonly outlook: PoolsOutlook;
  /** Undefined: refused. */
  readonly config?: PoolConfig;
  readonly preview?: ConfigPreview;
  /** What stays beside the file. Default: nothing. */
  readonly others?: readonly string[];
}

const NOTHING = {
  stranded: [],
  recovered: [],
  gaining: [],
  adopted: [],
  foreign: [],
  waiting: [],
  staying: 0,
} as const;

function poolsOutlook(facts: ClusterFacts, file: NonNullable<WhatIf['poolFile']>): PoolsRead {
  const live = facts.objects.configMaps.find(({ metadata }) => metadata.name === POOL_CONFIG_MAP);
  const applied = applyFiles([file], live);
  if (applied === undefined)
    return { outlook: { ...NOTHING, refused: [`${file.name}: wanted one ConfigMap ip-address-pools`] } };
  const { parsed, staying: others, objects } = applied;
  if (!parsed.ok) return { outlook: { ...NOTHING, refused: parsed.problems.map(formatProblem) } };
  const joined = joinObjects(parsed.config, objectsWithout(facts.metallbObjects, objects));
  if (joined.conflicts.length > 0) return { outlook: { ...NOTHING, refused: joined.conflicts } };
  const { nowMs } = facts.objects;
  const used = (key: string, address: IpAddress) => wasAnnounced(facts.byKey.get(key) ?? {}, address, nowMs);
  const preview = previewConfig(facts.config, joined.config, { ...facts, nowMs, wasAnnounced: used });
  const { staying, ...lists } = preview;
  return {
    ...{ config: joined.config, preview, others },
    outlook: { ...serviceRows(lists), staying, refused: [] },
  };
}

/** Addresses that Services would get and no one answers for yet. */
function newVips({ gaining, adopted }: ConfigPreview, { byKey, claims }: ClusterFacts) {
  const vips = new Map<string, { readonly vip: IpAddress; readonly services: KubeService[] }>();
  for (const { service, addresses } of [...gaining, ...adopted]) {
    const holder = byKey.get(service);
    for (const vip of addresses) {
      if (holder === undefined || claims.ownersOf(String(vip)).length > 0) continue;
      const row = vips.get(String(vip)) ?? { vip, services: [] };
      row.services.push(holder);
      vips.set(String(vip), row);
    }
  }
  return [...vips.values()];
}

function changesBetween(before: readonly Holding[], board: OwnerBoard): Pick<Outlook, 'moves' | 'dark'> {
  const owners = new Map(before.map((one) => [keyOf(one), one.owner]));
  const changed = board.holdings.filter((one) => one.owner === undefined || owners.get(keyOf(one)) !== one.owner);
  const sorted = [...changed].sort((a, b) => a.vip.compare(b.vip));
  const moves: OutlookMove[] = [];
  const dark: DarkVip[] = [];
  for (const one of sorted) {
    const row = { vip: String(one.vip), services: one.services.map(nameOf), from: owners.get(keyOf(one)) };
    if (one.owner === undefined) dark.push({ ...row, why: board.whyNoOne(one) });
    else moves.push({ ...row, to: one.owner });
  }
  return { moves, dark };
}

function keyOf({ vip, group }: Holding): string {
  return `${vip} ${group.id}`;
}

function nameOf({ metadata }: KubeService): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

function loadsOf({ reports }: ClusterFacts, before: readonly Holding[], after: readonly Holding[]): Outlook['loads'] {
  const names = reports.filter(isLive).map(({ node }) => node);
  const count = (holdings: readonly Holding[], node: string) => holdings.filter(({ owner }) => owner === node).length;
  return names.map((node) => ({ node, before: count(before, node), after: count(after, node) }));
}

function commandsFor(
  drained: readonly string[],
  file: WhatIf['poolFile'],
  { pools, facts }: { readonly pools: PoolsRead | undefined; readonly facts: ClusterFacts },
): string[] {
  const { berthNamespace } = facts.objects;
  const berth =
    berthNamespace === DEFAULT_NAMESPACE ? 'kubectl berth' : `kubectl berth --berth-namespace ${berthNamespace}`;
  return [
    ...(file !== undefined && pools?.config !== undefined ? [applyCommand(file, pools, berthNamespace)] : []),
    ...drained.map((node) => `${berth} drain ${node}`),
  ];
}

function applyCommand(file: NonNullable<WhatIf['poolFile']>, { others = [] }: PoolsRead, namespace: string): string {
  if (isConfigMapManifest(file)) return `kubectl apply -n ${namespace} -f ${file.name}`;
  // By the command below the file would be all that there is.
  if (others.length > 0) return `kubectl edit configmap ${POOL_CONFIG_MAP} -n ${namespace}`;
  const manifest = `kubectl create configmap ${POOL_CONFIG_MAP} -n ${namespace} --from-file=${file.name} --dry-run=client -o yaml`;
  return `${manifest} | kubectl apply -f -`;
}

function remarkOnOthers({ name }: NonNullable<WhatIf['poolFile']>, others: readonly string[]): string[] {
  return others.length === 0 ? [] : [`${stayingText(name, others)}.`];
}

interface Wished {
  readonly drained: readonly string[];
  readonly lost: readonly string[];
  readonly unknown: readonly string[];
}

function remarksOn(
  { drained, lost, unknown }: Wished,
  { facts, changes }: { readonly facts: ClusterFacts; readonly changes: Pick<Outlook, 'dark'> },
): string[] {
  const live = facts.reports.filter(isLive).map(({ node }) => node);
  const silent = [...drained, ...lost].filter((node) => !live.includes(node));
  const isMost = lost.length > 0 && 2 * lost.filter((node) => live.includes(node)).length >= live.length;
  return [
    ...unknown.map((node) => `There is no node ${node}.`),
    ...silent.map((node) => `Nothing is heard of the speaker of ${node}: what it owns, others have taken over.`),
    ...(isMost
      ? [
          'The remaining nodes are no majority: they ask a gateway or a client first, and may wait before they take anything.',
        ]
      : []),
    ...(drained.length > 0 && changes.dark.length > 0
      ? ['The drain is refused while there is a VIP that no one else can answer for; --force does it all the same.']
      : []),
    ...(drained.length > 1 ? ['The nodes are drained one after the other, in this order.'] : []),
    ...(drained.length + lost.length > 0
      ? ['This is as the nodes stand now; speakers with --rebalance=gradual even the load out afterwards.']
      : []),
  ];
}
