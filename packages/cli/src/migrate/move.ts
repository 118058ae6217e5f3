// SPDX-License-Identifier: Apache-2.0
/** What the steps of a move from MetalLB work on, and what several of them do. */
import type { KubeWorkload, Metallb, MetallbPlan } from '@berth/core';
import { type KubeApi, type Pod, pods } from '@berth/kube';
import { listAll } from '../cluster-state.ts';
import { CommandError, type Environment } from '../environment.ts';
import type { ClusterOptions } from '../operation.ts';
import { deployments } from '../workloads.ts';

/** How often is looked while no one answers, in milliseconds. */
const LOOK_MS = 20;
/** The annotation of a Deployment with the number of its replicas before the move. */
const REPLICAS_BEFORE = 'berth.dev/replicas-before-move';
/**
 * Selects no node. The API server joins it to what the DaemonSet selects already, so that nothing else has to be put
 * back.
 */
export const STOPPED_SELECTOR = 'berth.dev/moved-from-metallb';

export interface Move {
  readonly api: KubeApi;
  readonly cluster: ClusterOptions;
  readonly environment: Environment;
  readonly metallb: Metallb;
  /** For each step that waits. */
  readonly timeoutSeconds: number;
}

/** A move of what a plan says. */
export type PlannedMove = Move & { readonly plan: MetallbPlan };

/** The words at the end of each message about a step that failed. */
export const WAY_BACK = 'the way back: kubectl berth migrate metallb --rollback';

/** Looks until it is so; an error with what was awaited when it takes too long. */
export async function until(
  { environment: { clock }, timeoutSeconds }: Move,
  what: string,
  look: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = clock.now() + timeoutSeconds * 1000;
  while (!(await look())) {
    if (clock.now() >= deadlineMs) throw new CommandError(`${what}: not so after ${timeoutSeconds} s; ${WAY_BACK}`);
    await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
  }
}

export function placeOf({ metadata }: KubeWorkload): { namespace: string; name: string } {
  return { namespace: metadata.namespace ?? '', name: metadata.name };
}

export async function podsOf(api: KubeApi, workload: KubeWorkload): Promise<Pod[]> {
  const labels = Object.entries(workload.spec?.selector?.matchLabels ?? {});
  const all = await listAll(api, pods, workload.metadata.namespace);
  return all.filter(({ metadata }) => labels.every(([name, value]) => metadata.labels?.[name] === value));
}

/** The pods of a workload that are not ending yet. */
export async function workingPods(api: KubeApi, workload: KubeWorkload): Promise<Pod[]> {
  return (await podsOf(api, workload)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Scales a Deployment to 0 and notes how many replicas it had. Resolves when its pods are ending. */
export async function scaleDown(move: Move, deployment: KubeWorkload): Promise<void> {
  const { api, environment } = move;
  const at = placeOf(deployment);
  const replicas = deployment.spec?.replicas ?? 1;
  if (replicas > 0) {
    const metadata = { annotations: { [REPLICAS_BEFORE]: String(replicas) } };
    await api.patch(deployments, at, { type: 'merge', body: { metadata, spec: { replicas: 0 } } });
  }
  await until(move, `no pod of Deployment ${at.namespace}/${at.name}`, async () => {
    return (await workingPods(api, deployment)).length === 0;
  });
  environment.out(`deployment ${at.namespace}/${at.name} is scaled to 0\n`);
}

/** Scales it to what it had. One that no one scaled down stays. */
export async function scaleBack({ api, environment }: Move, deployment: KubeWorkload): Promise<void> {
  const at = placeOf(deployment);
  const replicas = Number((await api.get(deployments, at)).metadata.annotations?.[REPLICAS_BEFORE] ?? 0);
  if (replicas === 0) return;
  const metadata = { annotations: { [REPLICAS_BEFORE]: null } };
  await api.patch(deployments, at, { type: 'merge', body: { metadata, spec: { replicas } } });
  environment.out(`deployment ${at.namespace}/${at.name} is scaled to ${replicas}\n`);
}

/** Whether it was scaled down by a move. */
export function isScaledDown(deployment: KubeWorkload | undefined): boolean {
  return deployment?.metadata.annotations?.[REPLICAS_BEFORE] !== undefined;
}
