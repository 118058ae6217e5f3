// SPDX-License-Identifier: Apache-2.0

// A real controller beside the speakers of a SpeakerLab, for as long as a test needs it.

import { Controller } from '@berth/controller';
import { KubeClient, kubeconfigAccess, services } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { CLASS, type SpeakerLab } from './speaker-lab.ts';

const SILENT = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

/** Starts a controller, gives it a pool with these addresses, and stops it when `run` has ended. */
export async function withController(
  speakers: SpeakerLab,
  addresses: readonly string[],
  run: () => Promise<void>,
): Promise<void> {
  const { lab, namespace } = speakers;
  const api = new KubeClient({
    clock: systemClock,
    access: await kubeconfigAccess(systemClock, lab.kubeconfig),
    userAgent: 'berth-controller',
  });
  const options = { loadBalancerClass: CLASS, finalizer: false, leaseSeconds: 3, identity: 'beside-speakers' };
  const controller = new Controller({ clock: systemClock, ...options, api, log: SILENT, namespace });
  controller.start();
  try {
    await controller.ready;
    const pool = { apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name: 'lan' } };
    await speakers.pools({ ...pool, spec: { addresses } });
    await run();
  } finally {
    await controller.stop();
    api.close();
  }
}

/** A condition of a Service as `status reason: message`. */
export async function conditionOf(speakers: SpeakerLab, name: string, type: string): Promise<string> {
  const { client, namespace } = speakers;
  const { status } = await client.get(services, { namespace, name });
  const condition = status?.conditions?.find((one) => one.type === type);
  return `${condition?.status} ${condition?.reason}: ${condition?.message}`;
}
