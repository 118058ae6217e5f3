// SPDX-License-Identifier: Apache-2.0
/** Stops MetalLB's speakers, and starts them again: their DaemonSet stays, and selects no node meanwhile. */
import type { KubeWorkload } from '@berth/core';
import { daemonSets } from '../workloads.ts';
import { type Move, placeOf, STOPPED_SELECTOR, until, workingPods } from './move.ts';

/** Resolves when all their pods are being deleted. */
export async function stopSpeakers(move: Move, speaker: KubeWorkload): Promise<void> {
  await select(move, speaker, 'true');
  const { namespace, name } = placeOf(speaker);
  await until(move, `no pod of DaemonSet ${namespace}/${name}`, async () => {
    return (await workingPods(move.api, speaker)).length === 0;
  });
}

/** Resolves when each node that they are for has one that is ready. */
export async function startSpeakers(move: Move, speaker: KubeWorkload): Promise<void> {
  const at = placeOf(speaker);
  await select(move, speaker, null);
  await until(move, `DaemonSet ${at.namespace}/${at.name} is ready`, async () => {
    const { metadata, status = {} } = await move.api.get(daemonSets, at);
    const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
    const wanted = status.desiredNumberScheduled ?? 0;
    return isSeen && wanted > 0 && status.numberReady === wanted;
  });
  move.environment.out(`daemonset ${at.namespace}/${at.name} runs again\n`);
}

/** Whether a move has stopped them. */
export function isStopped(speaker: KubeWorkload | undefined): boolean {
  return speaker?.spec?.template?.spec?.nodeSelector?.[STOPPED_SELECTOR] !== undefined;
}

async function select({ api }: Move, speaker: KubeWorkload, value: 'true' | null): Promise<void> {
  const nodeSelector = { [STOPPED_SELECTOR]: value };
  const body = { spec: { template: { spec: { nodeSelector } } } };
  await api.patch(daemonSets, placeOf(speaker), { type: 'merge', body });
}
