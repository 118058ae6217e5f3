// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth status`: what each node says of itself, and everything that is not as it should be. */
import { type NodeState, nodeLeaseName } from '@berth/core';
import { type Environment, EXIT } from '../environment.ts';
import { type NodeReport, readReports, vipsOf } from '../node-reports.ts';
import type { Operation } from '../operation.ts';
import { formatJson, formatTable } from '../output.ts';
import { timeOf } from '../placement.ts';

const HEAD = ['NODE', 'INTERFACE', 'PHASE', 'HEARS', 'VIPS', 'ENGINE', 'HEARTBEATS', 'LATEST', 'SEEN'];

export async function status(
  { cluster, output }: Extract<Operation, { kind: 'status' }>,
  environment: Environment,
): Promise<number> {
  const { api } = await environment.connect(cluster);
  const nowMs = environment.clock.date().getTime();
  const reports = await readReports(api, cluster.berthNamespace, nowMs);
  if (output === 'json') environment.out(formatJson(reports));
  else if (reports.length === 0) environment.err('no speaker is heard of\n');
  else {
    environment.out(formatTable([HEAD, ...reports.flatMap((report) => rowsOf(report, nowMs))]));
    for (const remark of remarksOn(reports)) environment.out(`${remark}\n`);
  }
  return EXIT.ok;
}

/** A row for each interface; what belongs to the node as a whole stands in its first. */
function rowsOf(report: NodeReport, nowMs: number): string[][] {
  const { node, state, health, renewedMs } = report;
  const seen = `${Math.max(0, Math.round((nowMs - renewedMs) / 1000))} s ago`;
  if (state === undefined) return [[node, '-', '-', '-', '-', '-', '-', '-', seen]];
  const whole = [state.engine, state.transport, health ? `${health.latestMs} ms late` : '-', seen];
  const [first, ...more] = state.segments.map((segment) => [
    ...[segment.interface, segment.phase, String(segment.members.length)],
    String(state.owned.filter((one) => one.interface === segment.interface).length),
  ]);
  return [
    [node, ...(first ?? ['-', '-', '0', String(vipsOf(report).length)]), ...whole],
    ...more.map((row) => ['', ...row, '', '', '', '']),
  ];
}

function remarksOn(reports: readonly NodeReport[]): string[] {
  const stale = reports.filter(({ freshness }) => freshness === 'stale');
  const unread = reports.filter(({ problem }) => problem !== undefined);
  return [
    ...stale.map(({ node, renewedMs }) => `${node}: not heard of since ${timeOf(renewedMs)}`),
    ...unread.map(({ node, problem }) => `${node}: Lease ${nodeLeaseName(node)}: ${problem}`),
    ...reports.flatMap(({ node, state, health }) =>
      state === undefined ? [] : [...remarksOnNode(node, state), ...remarksOnLapses(node, health?.lapses ?? 0)],
    ),
    ...remarksOnKeys(reports),
  ];
}

function remarksOnNode(node: string, state: NodeState): string[] {
  const oneWay = state.segments.flatMap(({ interface: ifname, members }) =>
    members
      .filter(({ hearing }) => hearing === 'one-way')
      .map((other) => `${node}: hears ${other.node} on ${ifname}, but ${other.node} does not hear ${node}`),
  );
  const conflicts = state.conflicts.map(
    ({ vip, mac, interface: ifname, kind, sinceSeconds }) =>
      `${node}: ${vip} is used by ${mac} on ${ifname} since ${timeOf(sinceSeconds * 1000)}${kind === 'in-use' ? ', while it is announced' : ''}`,
  );
  const unreachable = state.unreachable.map(({ vip, interface: ifname, why, macs }) =>
    `${node}: ${vip} on ${ifname}: ${why} ${macs.join(' ')}`.trimEnd(),
  );
  const waiting = Map.groupBy(state.notAnnounced, ({ why }) => why);
  return [
    ...(state.ineligible === '' ? [] : [`${node}: may own nothing: ${state.ineligible}`]),
    ...(state.fitness === 'fit' ? [] : [`${node}: its kube-proxy is not well; other nodes go first`]),
    ...oneWay,
    ...conflicts,
    ...unreachable,
    ...[...waiting].map(([why, vips]) => `${node}: ${vips.length} VIPs not answered: ${why}`),
    ...(state.leftOut === 0 ? [] : [`${node}: ${state.leftOut} more VIPs than its Lease can tell`]),
  ];
}

function remarksOnLapses(node: string, lapses: number): string[] {
  return lapses === 0 ? [] : [`${node}: fell silent ${lapses} times because it was too late itself`];
}

function remarksOnKeys(reports: readonly NodeReport[]): string[] {
  const live = reports.filter(({ freshness, state }) => freshness === 'fresh' && state !== undefined);
  const keys = new Set(live.map(({ state }) => state?.keys.signing));
  return keys.size > 1 ? ['the nodes sign heartbeats with different keys: a rotation is under way'] : [];
}
