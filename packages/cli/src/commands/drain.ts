// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth drain NODE` and `undrain NODE`: whether a node may own VIPs, by an annotation of its Node object. What
 * it owns is handed over, each VIP answered by its new owner before the node stops.
 */
import {
  type ClusterFacts,
  DRAIN_ANNOTATION,
  type IpAddress,
  isLive,
  type LiveReport,
  liveNode,
  obstacleTo,
  ownersOf,
  peersOf,
  vipsOf,
} from '@berth/core';
import { type KubeApi, nodes } from '@berth/kube';
import { readFacts } from '../cluster-facts.ts';
import { findObject, listAll } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import { refuseWithoutBerth } from '../installed.ts';
import { noSuchNode } from '../names.ts';
import { readReports } from '../node-reports.ts';
import type { Operation } from '../operation.ts';
import { countOf } from '../output.ts';
import { waitFor } from '../waiting.ts';

/** Milliseconds between two looks at connections that a node keeps; it reports them every ten seconds. */
const CONNECTIONS_EVERY_MS = 2_000;

/** Most VIPs that a refusal names. */
const NAMED_VIPS = 10;

type Drain = Extract<Operation, { kind: 'drain' }>;
type Undrain = Extract<Operation, { kind: 'undrain' }>;

export async function drain(operation: Drain, environment: Environment): Promise<number> {
  const { node, isForced, cluster } = operation;
  const { api } = await environment.connect(cluster);
  const placement = await readFacts(api, cluster, environment.clock);
  if (!placement.nodes.has(node)) throw noSuchNode(node, placement.nodes.values());
  await refuseWithoutBerth(placement.reports, api, cluster);
  const report = liveNode(node, placement);
  if (typeof report === 'string') {
    if (!operation.isDryRun) await annotate(api, node, 'true');
    const is = operation.isDryRun ? 'would be' : 'is';
    environment.out(`${node} ${is} marked: ${report}, and when it comes it will own nothing\n`);
    return EXIT.ok;
  }
  const stranded = strandedVips(report, placement);
  if (stranded.length > 0 && !isForced) {
    const named = stranded.slice(0, NAMED_VIPS).join('\n  ');
    const more = stranded.length > NAMED_VIPS ? `\n  and ${stranded.length - NAMED_VIPS} more` : '';
    throw new CommandError(
      `${node} is not drained: no one else can answer for ${countOf(stranded.length, 'VIP')} of it\n  ${named}${more}\n--force drains it all the same`,
    );
  }
  if (operation.isDryRun) {
    environment.out(dryText(report, stranded));
    return EXIT.ok;
  }
  await annotate(api, node, 'true');
  if (operation.timeoutSeconds === 0) return EXIT.ok;
  const code = await waitUntilEmpty(api, { operation, environment, before: vipsOf(report) });
  return operation.isPatient ? waitForConnections(api, { operation, environment }) : code;
}

/** What a drain would do. */
function dryText(report: LiveReport, stranded: readonly string[]): string {
  const vips = vipsOf(report);
  const rest = stranded.length === 0 ? '' : `; no one else can answer for\n  ${stranded.join('\n  ')}`;
  return `${report.node} would be drained: it would hand over ${countOf(vips.length - stranded.length, 'VIP')}${rest}\n`;
}

export async function undrain(operation: Undrain, environment: Environment): Promise<number> {
  const { node, cluster, timeoutSeconds, isDryRun } = operation;
  const { api } = await environment.connect(cluster);
  const found = await findObject(api, nodes, { name: node });
  if (found === undefined) throw noSuchNode(node, await listAll(api, nodes));
  if (isDryRun) {
    const { metadata } = found;
    const isDrained = metadata.annotations?.[DRAIN_ANNOTATION] !== undefined;
    environment.out(`${node} ${isDrained ? 'would be undrained' : 'is not drained'}\n`);
    return EXIT.ok;
  }
  await annotate(api, node, null);
  if (timeoutSeconds === 0) return EXIT.ok;
  const reportOf = async () =>
    (await readReports(api, cluster.berthNamespace, environment.clock)).find((one) => one.node === node);
  if (!isLive(await reportOf())) {
    environment.out(`${node} is no longer marked; it owns nothing until its speaker reports\n`);
    return EXIT.ok;
  }
  const look = async () => {
    const report = await reportOf();
    return isLive(report) && report.state.ineligible !== 'drained' ? report.state.ineligible : undefined;
  };
  const ineligible = await waitFor(look, { ...environment, timeoutSeconds });
  if (ineligible === undefined)
    throw new CommandError(`${node} is no longer marked, but its speaker has not said so in time`);
  const rest = ineligible === '' ? 'VIPs come to it when they are new, or by kubectl berth rebalance' : ineligible;
  environment.out(`${node} ${ineligible === '' ? 'may own VIPs' : 'still may own nothing'}: ${rest}\n`);
  return EXIT.ok;
}

async function annotate(api: KubeApi, node: string, value: 'true' | null): Promise<void> {
  const body = { metadata: { annotations: { [DRAIN_ANNOTATION]: value } } };
  await api.patch(nodes, { name: node }, { type: 'merge', body });
}

/** The VIPs of a node that no other could own, each with the reasons. */
function strandedVips(report: LiveReport, placement: ClusterFacts): string[] {
  const peers = peersOf(report);
  const others = placement.reports.filter(isLive).filter(({ node }) => peers.has(node));
  const vips = new Map<string, IpAddress>(report.state.owned.map(({ vip }) => [String(vip), vip]));
  return [...vips].flatMap(([text, vip]) => {
    const obstacles = others.map((other) => obstacleTo(vip, other, placement));
    if (obstacles.includes(undefined)) return [];
    return [`${text}: ${obstacles.join(', ') || `${report.node} hears no other node`}`];
  });
}

/**
 * Until the last connection that the node keeps of VIPs of others has ended; says how many are left whenever that is
 * another number.
 */
async function waitForConnections(api: KubeApi, { operation, environment }: Omit<Waiting, 'before'>): Promise<number> {
  const { node, cluster } = operation;
  let said = '';
  const look = async () => {
    const reports = await readReports(api, cluster.berthNamespace, environment.clock);
    const report = reports.find((one) => one.node === node);
    if (!isLive(report)) throw new CommandError(`${node} no longer reports which connections it keeps`);
    const { keeping = 0 } = report.state;
    if (keeping === 0) return 'none';
    const text = connectionsText(node, keeping, report.health?.spread?.strays);
    if (text !== said) environment.out(text);
    said = text;
    return undefined;
  };
  const patience = {
    clock: environment.clock,
    timeoutSeconds: Number.POSITIVE_INFINITY,
    everyMs: CONNECTIONS_EVERY_MS,
  };
  await waitFor(look, patience);
  environment.out(`${node} keeps no connection\n`);
  return EXIT.ok;
}

function connectionsText(node: string, vips: number, connections: number | undefined): string {
  const kept = connections === undefined || connections === 0 ? 'connections' : countOf(connections, 'connection');
  return `${node} still keeps ${kept} of ${countOf(vips, 'VIP')} that other nodes answer for now\n`;
}

interface Waiting {
  readonly operation: Drain;
  readonly environment: Environment;
  readonly before: readonly string[];
}

async function waitUntilEmpty(api: KubeApi, { operation, environment, before }: Waiting): Promise<number> {
  const { node, cluster } = operation;
  const read = () => readReports(api, cluster.berthNamespace, environment.clock);
  const look = async () => {
    const reports = await read();
    const report = reports.find((one) => one.node === node);
    const isEmpty = report?.state?.ineligible === 'drained' && report.state.owned.length === 0;
    // Its successors may say so a moment later.
    const isTaken = before.every((vip) => ownersOf(vip, reports).length > 0);
    return isEmpty && (isTaken || operation.isForced) ? reports : undefined;
  };
  const reports = await waitFor(look, { ...environment, ...operation });
  if (reports === undefined) {
    const left = vipsOf((await read()).find((one) => one.node === node));
    throw new CommandError(
      `${node} is marked, but still answers for ${countOf(left.length, 'VIP')}${left.length === 0 ? ', or others have not taken all' : ''}`,
    );
  }
  const taken = Map.groupBy(before, (vip) => ownersOf(vip, reports)[0]?.node ?? 'no one');
  const where = [...taken].map(([other, vips]) => `${vips.length} to ${other}`).sort();
  environment.out(`${node} is drained: ${where.join(', ') || 'it owned nothing'}\n`);
  return EXIT.ok;
}
