// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth check [VIP]`: has each node ask on the wire who answers, and shows what each of them hears. */
import { randomUUID } from 'node:crypto';
import {
  type HeardVip,
  type Hearing,
  hearingOf,
  type IpAddress,
  includesAddress,
  isLive,
  type LiveReport,
  type Order,
  shownAddressesOf,
} from '@berth/core';
import { type KubeApi, services } from '@berth/kube';
import { listAll } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import { refuseWithoutSpeaker } from '../installed.ts';
import { readReports } from '../node-reports.ts';
import type { Operation } from '../operation.ts';
import { giveOrder, withOrder } from '../order-map.ts';
import { printTable, printValue } from '../output.ts';
import { waitFor } from '../waiting.ts';

type Check = Extract<Operation, { kind: 'check' }>;

const WORDS: Readonly<Record<Hearing, string>> = {
  right: 'right',
  own: 'its own, and no one else answers',
  nobody: 'no one owns it, no one answers',
  'no-answer': 'NO ANSWER',
  'wrong-answer': 'WRONG ANSWER',
  'several-answers': 'SEVERAL ANSWERS',
};
const WELL: readonly Hearing[] = ['right', 'own'];

/** What the nodes that reported in time have heard. */
interface Answers {
  readonly reports: readonly LiveReport[];
  /** Nodes that were there and did not report. */
  readonly silent: readonly string[];
}

export async function check(operation: Check, environment: Environment): Promise<number> {
  const { cluster, vip } = operation;
  const { api } = await environment.connect(cluster);
  const order: Order = { kind: 'check', id: randomUUID(), ...(vip && { vip }) };
  const read = async () => (await readReports(api, cluster.berthNamespace, environment.clock)).filter(isLive);
  const before = await read();
  await refuseWithoutSpeaker(before, api, cluster);
  if (vip !== undefined) await refuseUnknown(vip, before, api);
  const place = { api, namespace: cluster.berthNamespace, clock: environment.clock };
  if (operation.timeoutSeconds === 0) {
    await giveOrder(place, order);
    return EXIT.ok;
  }
  const answersNow = async (): Promise<Answers> => answersIn(order, before, await read());
  const look = async () => {
    const answers = await answersNow();
    return answers.silent.length === 0 ? answers : undefined;
  };
  const answers = await withOrder(
    place,
    order,
    async () => (await waitFor(look, { ...environment, ...operation })) ?? (await answersNow()),
  );
  if (!printValue(environment, operation.output, jsonOf(answers))) printAnswers(operation, answers, environment);
  if (answers.silent.length > 0)
    environment.err(`no report within ${operation.timeoutSeconds} s: ${answers.silent.join(' ')}\n`);
  return isWell(operation, answers) ? EXIT.ok : EXIT.failed;
}

/** An address that no Service has may be asked for where somebody answers for it, or uses it beside Berth. */
async function refuseUnknown(vip: IpAddress, reports: readonly LiveReport[], api: KubeApi): Promise<void> {
  const isKnown = reports.some(({ state }) => [...state.owned, ...state.conflicts].some((one) => one.vip.equals(vip)));
  if (isKnown) return;
  const all = await listAll(api, services);
  if (all.some((service) => includesAddress(shownAddressesOf(service), vip))) return;
  throw new CommandError(`no Service has ${vip}: kubectl berth vips lists the addresses`);
}

function answersIn(order: Order, before: readonly LiveReport[], now: readonly LiveReport[]): Answers {
  const reports = now.filter(({ state }) => state.check?.id === order.id);
  const names = new Set(reports.map(({ node }) => node));
  return { reports, silent: before.map(({ node }) => node).filter((node) => !names.has(node)) };
}

// One VIP must be heard by somebody who does not own it, or nothing is proven.
function isWell({ vip }: Check, { reports, silent }: Answers): boolean {
  if (silent.length > 0) return false;
  if (vip === undefined) return reports.every(({ state }) => state.check?.asked === state.check?.right);
  const hearings = rowsOf(reports).map(({ node, heard }) => hearingOf(heard, node));
  return hearings.includes('right') && hearings.every((hearing) => WELL.includes(hearing));
}

function rowsOf(reports: readonly LiveReport[]): { readonly node: string; readonly heard: HeardVip }[] {
  return reports.flatMap(({ node, state }) => (state.check?.heard ?? []).map((heard) => ({ node, heard })));
}

function printAnswers({ vip, output }: Check, { reports }: Answers, environment: Environment): void {
  const hearings = rowsOf(reports);
  const rows = hearings.map(({ node, heard }) => [
    String(heard.vip),
    node,
    heard.interface,
    heard.owner?.node ?? '-',
    heard.macs.length === 0 ? '-' : heard.macs.join(' '),
    WORDS[hearingOf(heard, node)],
  ]);
  if (vip === undefined) {
    const counts = reports.map(({ node, state }) => [node, String(state.check?.asked), String(state.check?.right)]);
    printTable(environment, [['NODE', 'ASKED', 'RIGHT'], ...counts], { output });
    if (rows.length === 0) return;
    environment.out('\n');
  }
  const toneOf = (row: number) => {
    const one = hearings[row];
    return one === undefined || [...WELL, 'nobody'].includes(hearingOf(one.heard, one.node)) ? undefined : 'bad';
  };
  const head = ['VIP', 'ASKED BY', 'INTERFACE', 'OWNER', 'ANSWERED BY', 'VERDICT'];
  printTable(environment, [head, ...rows], { output, toneOf });
}

function jsonOf({ reports, silent }: Answers): unknown {
  const nodes = reports.map(({ node, state }) => {
    const heard = (state.check?.heard ?? []).map((one) => ({
      ...{
        vip: String(one.vip),
        interface: one.interface,
        owner: one.owner?.node,
        ownerMac: one.owner?.mac.toString(),
      },
      ...{ answers: one.macs.map(String), verdict: hearingOf(one, node) },
    }));
    return { node, asked: state.check?.asked, right: state.check?.right, heard };
  });
  return { nodes, silent };
}
