// SPDX-License-Identifier: Apache-2.0
/** Stops the controller of Berth, for commands that change what it would set right. */
import { type KubeApi, leases, type ObservedLease, observeLease, waitForLeaseMs } from '@berth/kube';
import { findObject } from './cluster-state.ts';
import { CommandError, type Environment } from './environment.ts';
import type { ClusterOptions } from './operation.ts';
import { deployments } from './workloads.ts';

/** How long the controller may take to stop, in milliseconds. */
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 500;
/** Name of the Deployment and of the Lease of its leader. */
export const CONTROLLER = 'controller';

/** Scales the controller of Berth to 0, and resolves when it has no pod any more. */
export async function stopController(
  api: KubeApi,
  { berthNamespace: namespace }: ClusterOptions,
  { out, clock, isDryRun }: Environment & { readonly isDryRun: boolean },
): Promise<void> {
  const at = { namespace, name: CONTROLLER };
  const deployment = await findObject(api, deployments, at);
  if (deployment === undefined || deployment.spec?.replicas === 0) return;
  out(`deployment ${namespace}/${CONTROLLER} ${isDryRun ? 'would be' : 'is'} scaled to 0\n`);
  if (isDryRun) return;
  await api.patch(deployments, at, { type: 'merge', body: { spec: { replicas: 0 } } });
  const deadlineMs = clock.now() + STOP_TIMEOUT_MS;
  while ((await findObject(api, deployments, at))?.status?.replicas ?? 0) {
    if (clock.now() >= deadlineMs)
      throw new CommandError('the controller does not stop; nothing was taken from Services');
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
}

/**
 * A pod that ends counts no longer and may still lead for a moment, in which it would give each address again. Resolves
 * when it has given the Lease back, or has not renewed it in time.
 */
export async function leaderGone(
  api: KubeApi,
  { berthNamespace }: ClusterOptions,
  { clock }: Environment,
): Promise<void> {
  const deadlineMs = clock.now() + STOP_TIMEOUT_MS;
  let seen: ObservedLease | undefined;
  for (;;) {
    const lease = await findObject(api, leases, { namespace: berthNamespace, name: CONTROLLER });
    if (lease === undefined) return;
    seen = observeLease(seen, lease, clock.now());
    if (waitForLeaseMs(seen, '', clock.now()) === 0) return;
    if (clock.now() >= deadlineMs)
      throw new CommandError(`${lease.spec?.holderIdentity} still leads; nothing was taken from Services`);
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
}
