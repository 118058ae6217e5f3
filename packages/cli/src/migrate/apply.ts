// SPDX-License-Identifier: Apache-2.0
/**
 * Carries out a move from MetalLB (docs/design/0061-move-from-metallb.md). Up to the last step nothing that clients see
 * is touched: what keeps Berth silent is that it has no pools, so the ConfigMap is what switches it on.
 */
import {
  clusterReport,
  isLive,
  type MetallbPlan,
  nodeReportsOf,
  ownController,
  ownSpeaker,
  POOL_CONFIG_MAP,
  vipsOf,
} from '@berth/core';
import { configMaps, type KubeApi, leases, messageOf } from '@berth/kube';
import { readFacts } from '../cluster-facts.ts';
import { findObject, listAll } from '../cluster-state.ts';
import { check } from '../commands/check.ts';
import { readDoctorObjects } from '../doctor-objects.ts';
import { CommandError, EXIT } from '../environment.ts';
import type { ClusterOptions } from '../operation.ts';
import { countOf } from '../output.ts';
import { type Move, type PlannedMove, podsOf, scaleDown, until, WAY_BACK } from './move.ts';
import { isRolledOut, leaveObjectsAlone } from './own-objects.ts';
import { startSpeakers, stopSpeakers } from './speakers.ts';

/** What is wrong before there are pools, and is set right by the move. */
const EXPECTED = new Set(['no-configuration', 'configuration-refused', 'no-address']);

export async function applyMove(move: PlannedMove): Promise<number> {
  const { environment, metallb } = move;
  const controller = await berthIsReady(move);
  await leaveObjectsAlone(move, controller);
  if (metallb.controller !== undefined) await scaleDown(move, metallb.controller);
  await takeOver(move);
  environment.out('MetalLB is stopped, and Berth answers; kubectl berth migrate metallb --rollback goes back\n');
  return verify(move);
}

/** Berth is there on all its nodes, leads, and nothing is wrong with it; returns its Deployment. */
async function berthIsReady(move: Move) {
  const { api, cluster, environment } = move;
  const [facts, objects] = await Promise.all([readFacts(api, cluster, environment.clock), readDoctorObjects(api)]);
  const speaker = ownSpeaker(objects, cluster.berthNamespace);
  const controller = ownController(objects, cluster.berthNamespace);
  if (speaker === undefined || controller === undefined)
    throw new CommandError(
      `Berth is not installed in ${cluster.berthNamespace}: kubectl apply -k manifests/ (or helm install), without pools; it answers for nothing until this command gives it some`,
    );
  const { numberReady = 0, desiredNumberScheduled = 0 } = speaker.status ?? {};
  const { problems, leader } = clusterReport(facts);
  const grave = problems.filter(({ kind, severity }) => severity === 'critical' && !EXPECTED.has(kind));
  const reasons = [
    ...(desiredNumberScheduled > 0 && numberReady === desiredNumberScheduled
      ? []
      : [`${numberReady} of ${desiredNumberScheduled} speakers are ready`]),
    ...(isRolledOut(controller) ? [] : ['the controller is being rolled out']),
    ...(leader?.freshness === 'fresh' ? [] : ['no controller leads']),
    ...grave.map(({ text }) => text),
  ];
  if (reasons.length > 0) throw new CommandError(`Berth is not ready, and nothing was changed: ${reasons.join('; ')}`);
  environment.out(`Berth is ready on ${countOf(numberReady, 'node')}; ${leader?.identity} leads\n`);
  return controller;
}

/** The one moment that clients may notice: MetalLB's speakers end, and Berth gets its pools. */
async function takeOver(move: PlannedMove): Promise<void> {
  const { api, cluster, environment, metallb, plan } = move;
  const facts = await readFacts(api, cluster, environment.clock);
  const isServable = (key: string) => facts.local.get(key)?.size !== 0;
  const served = plan.services.filter(({ fate, service }) => fate === 'keeps' && isServable(service));
  const vips = [...new Set(served.flatMap(({ addresses }) => addresses.map(String)))];
  const write = await configWriter(api, cluster, plan);
  try {
    if (metallb.speaker !== undefined) await stopSpeakers(move, metallb.speaker);
    await write();
    await until(move, `Berth answers for ${countOf(vips.length, 'address')}`, async () => {
      const owned = await ownedVips(move);
      return vips.every((vip) => owned.has(vip));
    });
  } catch (error) {
    throw await putBack(move, error);
  }
  environment.out(`configmap ${cluster.berthNamespace}/${POOL_CONFIG_MAP} has the pools\n`);
  if (metallb.speaker !== undefined) environment.out("MetalLB's speakers are stopped\n");
  environment.out(`Berth answers for ${countOf(vips.length, 'address')}\n`);
}

/** Starts MetalLB's speakers again: better two that answer than no one. Returns the error to end with. */
async function putBack(move: Move, cause: unknown): Promise<CommandError> {
  const { speaker } = move.metallb;
  const reason = messageOf(cause);
  try {
    if (speaker !== undefined) await startSpeakers(move, speaker);
    return new CommandError(`MetalLB's speakers were started again: ${reason}`);
  } catch (error) {
    return new CommandError(`${reason}; and MetalLB's speakers could not be started again: ${messageOf(error)}`);
  }
}

/** Prepares all there is to prepare, so that the write itself is one request. */
async function configWriter(api: KubeApi, { berthNamespace: namespace }: ClusterOptions, { data }: MetallbPlan) {
  const at = { namespace, name: POOL_CONFIG_MAP };
  const present = await findObject(api, configMaps, at);
  if (present === undefined) return () => api.create(configMaps, { metadata: at, data });
  const { resourceVersion } = present.metadata;
  const body = { metadata: { resourceVersion }, data };
  return () => api.patch(configMaps, at, { type: 'merge', body });
}

async function ownedVips({ api, cluster, environment }: Move): Promise<ReadonlySet<string>> {
  const all = await listAll(api, leases, cluster.berthNamespace);
  const reports = nodeReportsOf(all, environment.clock.date().getTime());
  return new Set(reports.filter(isLive).flatMap((report) => vipsOf(report)));
}

/**
 * Has each node ask on the wire who answers, once no pod of MetalLB is left that could. A claim may just be settling,
 * so it asks twice.
 */
async function verify(move: Move): Promise<number> {
  const { api, cluster, environment, metallb, timeoutSeconds } = move;
  const { speaker } = metallb;
  if (speaker !== undefined)
    await until(move, "MetalLB's speakers have ended", async () => (await podsOf(api, speaker)).length === 0);
  const ask = () => check({ kind: 'check', vip: undefined, output: 'text', timeoutSeconds, cluster }, environment);
  if ((await ask()) === EXIT.ok || (await ask()) === EXIT.ok) return EXIT.ok;
  throw new CommandError(`not every answer on the wire is right, see above; ${WAY_BACK}`);
}
