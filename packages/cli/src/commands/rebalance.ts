// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth rebalance`: evens out once how many VIPs each node answers for, one VIP after the other, each without
 * a gap.
 */
import { randomUUID } from 'node:crypto';
import { isLive, type LiveReport, type Order, vipsOf } from '@berth/core';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import { refuseWithoutSpeaker } from '../installed.ts';
import { readReports } from '../node-reports.ts';
import type { Operation } from '../operation.ts';
import { giveOrder, outcomesOf, withOrder } from '../order-map.ts';
import { printTable } from '../output.ts';
import { waitFor } from '../waiting.ts';

export async function rebalance(
  operation: Extract<Operation, { kind: 'rebalance' }>,
  environment: Environment,
): Promise<number> {
  const { cluster, timeoutSeconds, isDryRun } = operation;
  const { api } = await environment.connect(cluster);
  const read = async () => (await readReports(api, cluster.berthNamespace, environment.clock)).filter(isLive);
  const before = await read();
  await refuseWithoutSpeaker(before, api, cluster);
  if (isDryRun) {
    printTable(environment, plannedRows(before), { output: 'text' });
    return EXIT.ok;
  }
  const order: Order = { kind: 'rebalance', id: randomUUID() };
  const place = { api, namespace: cluster.berthNamespace, clock: environment.clock };
  if (timeoutSeconds === 0) {
    await giveOrder(place, order);
    return EXIT.ok;
  }
  const look = async () => {
    const reports = await read();
    return busyNodes(order, before, reports).length === 0 ? reports : undefined;
  };
  const after = await withOrder(place, order, () => waitFor(look, { ...environment, timeoutSeconds }));
  if (after === undefined) {
    const busy = busyNodes(order, before, await read());
    throw new CommandError(`not done in ${timeoutSeconds} s: ${busy.join(' ')}; what was begun goes on`);
  }
  printTable(environment, rowsOf(before, after), { output: 'text' });
  return EXIT.ok;
}

// A speaker that was started anew does not know the order, and one that went has nothing to even out.
function busyNodes(order: Order, before: readonly LiveReport[], reports: readonly LiveReport[]): string[] {
  const outcomes = outcomesOf(order.id, reports);
  const isSame = (report: LiveReport) =>
    before.some(({ node, state }) => node === report.node && state.bootId === report.state.bootId);
  return reports.filter((one) => isSame(one) && outcomes.get(one.node)?.outcome !== 'done').map(({ node }) => node);
}

/** How many VIPs each node answers for, and how many where all may own all of them. */
function plannedRows(before: readonly LiveReport[]): string[][] {
  const counts = before.map((report) => vipsOf(report).length);
  const even = counts.reduce((sum, count) => sum + count, 0) / before.length;
  const [low, high] = [Math.floor(even), Math.ceil(even)];
  const rows = before.map(({ node }, index) => [
    node,
    String(counts[index]),
    low === high ? `${low}` : `${low} or ${high}`,
  ]);
  return [['NODE', 'VIPS NOW', 'EVEN'], ...rows];
}

function rowsOf(before: readonly LiveReport[], after: readonly LiveReport[]): string[][] {
  const countIn = (reports: readonly LiveReport[], node: string) =>
    String(vipsOf(reports.find((one) => one.node === node)).length);
  const names = [...new Set([...before, ...after].map(({ node }) => node))].sort();
  return [
    ['NODE', 'VIPS BEFORE', 'AFTER'],
    ...names.map((node) => [node, countIn(before, node), countIn(after, node)]),
  ];
}
