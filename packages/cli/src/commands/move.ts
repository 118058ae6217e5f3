// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth move VIP NODE`: has the owner hand a VIP to another node, which answers before the owner stops. */
import { randomUUID } from 'node:crypto';
import {
  type ClusterFacts,
  holdersOf,
  type IpAddress,
  type LiveReport,
  liveNode,
  type MoveRefusal,
  type Order,
  obstacleTo,
  ownersOf,
  peersOf,
  serviceKeyOf,
} from '@berth/core';
import type { KubeApi } from '@berth/kube';
import { readFacts } from '../cluster-facts.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import { refuseWithoutSpeaker } from '../installed.ts';
import { noSuchNode } from '../names.ts';
import { readReports } from '../node-reports.ts';
import type { Operation } from '../operation.ts';
import { giveOrder, outcomesOf, withOrder } from '../order-map.ts';
import { waitFor } from '../waiting.ts';

type Move = Extract<Operation, { kind: 'move' }>;

export async function move(operation: Move, environment: Environment): Promise<number> {
  const { vip, node, cluster } = operation;
  const { api } = await environment.connect(cluster);
  const placement = await readFacts(api, cluster, environment.clock);
  await refuseWithoutSpeaker(placement.reports, api, cluster);
  if (!placement.nodes.has(node)) throw noSuchNode(node, placement.nodes.values());
  const from = ownersIn(vip, placement);
  if (from.every((owner) => owner === node)) {
    environment.out(`${vip} is on ${node} already\n`);
    return EXIT.ok;
  }
  const refusal = refusalOf({ vip, node, from }, placement);
  if (refusal !== undefined) throw new CommandError(`${vip} stays on ${from.join(' and ')}: ${refusal}`);
  if (operation.isDryRun) {
    environment.out(`${vip} would move: ${from.join(' and ')} -> ${node}\n`);
    return EXIT.ok;
  }
  const order: Order = { kind: 'move', id: randomUUID(), vip, node };
  const place = { api, namespace: cluster.berthNamespace, clock: environment.clock };
  if (operation.timeoutSeconds === 0) {
    await giveOrder(place, order);
    return EXIT.ok;
  }
  const outcome = await withOrder(place, order, () =>
    waitFor(() => look(api, { operation, order, environment }), { ...environment, ...operation }),
  );
  if (outcome === 'moved') {
    environment.out(`${vip}: ${from.join(' and ')} -> ${node}\n`);
    return EXIT.ok;
  }
  throw new CommandError(`${vip} stays on ${from.join(' and ')}: ${outcome ?? 'its owner did not answer in time'}`);
}

function ownersIn(vip: IpAddress, placement: ClusterFacts): string[] {
  const [holder] = holdersOf(vip, placement);
  if (holder === undefined) throw new CommandError(`no Service has ${vip}: kubectl berth vips lists the addresses`);
  const owners = [...new Set(ownersOf(String(vip), placement.reports).map((claim) => claim.node))];
  if (owners.length === 0)
    throw new CommandError(`no one answers for ${vip}: kubectl berth explain ${serviceKeyOf(holder)} says why`);
  return owners;
}

interface Wish {
  readonly vip: IpAddress;
  readonly node: string;
  readonly from: readonly string[];
}

function refusalOf({ vip, node, from }: Wish, placement: ClusterFacts): string | undefined {
  const target = liveNode(node, placement);
  if (typeof target === 'string') return target;
  const isHeard = (owner: LiveReport | string) => typeof owner === 'string' || peersOf(owner).has(node);
  const deaf = from.find((owner) => !isHeard(liveNode(owner, placement)));
  if (deaf !== undefined) return `${deaf} and ${node} do not hear each other`;
  return obstacleTo(vip, target, placement);
}

interface Look {
  readonly operation: Move;
  readonly order: Order;
  readonly environment: Environment;
}

/** `moved`, a refusal in words, or undefined while neither is known. */
async function look(api: KubeApi, { operation, order, environment }: Look): Promise<string | undefined> {
  const { vip, node, cluster } = operation;
  const reports = await readReports(api, cluster.berthNamespace, environment.clock);
  const owners = ownersOf(String(vip), reports);
  if (owners.length > 0 && owners.every((claim) => claim.node === node)) return 'moved';
  const refused = [...outcomesOf(order.id, reports).values()].find(({ outcome }) => outcome === 'refused');
  return refused && refusalText(refused.why, node);
}

function refusalText(why: MoveRefusal | undefined, node: string): string {
  switch (why) {
    case 'not-heard':
      return `its owner does not hear ${node}`;
    case 'not-a-candidate':
      return `${node} may not own it, or its kube-proxy is not healthy`;
    case 'not-taken':
      return `${node} did not take it`;
    case undefined:
      return 'its owner refused';
  }
}
