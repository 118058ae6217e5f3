// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth uninstall`: takes everything of Berth from every Service, so that none hangs in Terminating once there is
 * no controller any more, and deletes ledger and Lease. A controller that still runs is stopped first: it would give the
 * addresses again.
 */
import { Allocator, bearsMarks, FINALIZER, isOurs, loadBalancerClassRule, removalPatch } from '@berth/core';
import {
  configMaps,
  isKubeError,
  type KubeApi,
  type KubeObject,
  keyOf,
  leases,
  type Resource,
  type Service,
  services,
} from '@berth/kube';
import { findObject, isLedger, listConfigMaps, readClusterState } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { ClusterOptions, Operation } from '../operation.ts';

/** How long the controller may take to stop, in milliseconds. */
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 500;
/** Tries per Service that somebody else edits at the same time. */
const MAX_ATTEMPTS = 5;

interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number };
}

const deployments: Resource<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};

const CONTROLLER = 'controller';

export async function uninstall(
  operation: Extract<Operation, { kind: 'uninstall' }>,
  environment: Environment,
): Promise<number> {
  const { cluster, isDryRun } = operation;
  const { api } = await environment.connect(cluster);
  const will = isDryRun ? 'would be' : 'is';
  await stopController(api, cluster, { ...environment, isDryRun });
  const ours = await servicesOfOurs(api, cluster);
  for (const service of ours) {
    if (!isDryRun) await clean(api, service);
    environment.out(`service ${keyOf(service)} ${will} cleaned\n`);
  }
  for (const name of await ledgerNames(api, cluster)) {
    if (!isDryRun) await remove(api, configMaps, { namespace: cluster.berthNamespace, name });
    environment.out(`configmap ${cluster.berthNamespace}/${name} ${will} deleted\n`);
  }
  const lease = { namespace: cluster.berthNamespace, name: CONTROLLER };
  if ((await findObject(api, leases, lease)) !== undefined) {
    if (!isDryRun) await remove(api, leases, lease);
    environment.out(`lease ${lease.namespace}/${lease.name} ${will} deleted\n`);
  }
  environment.err(`${ours.length} Services ${isDryRun ? 'would be' : 'were'} cleaned\n`);
  return EXIT.ok;
}

async function stopController(
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

/** Services that carry marks of ours, or that the ledger knows; never those of another LoadBalancer. */
async function servicesOfOurs(api: KubeApi, cluster: ClusterOptions): Promise<Service[]> {
  const state = await readClusterState(api, cluster);
  const allocator = new Allocator(state);
  allocator.reset(state.ledger);
  const holders = new Set(allocator.holders());
  return state.services.filter(
    (service) => bearsMarks(service) || holders.has(keyOf(service)) || isStuck(service, cluster),
  );
}

// The finalizer alone may be that of a cloud; with our own class it is ours.
function isStuck(service: Service, { loadBalancerClass }: ClusterOptions): boolean {
  const isNamed =
    service.spec?.loadBalancerClass === loadBalancerClass && isOurs(service, loadBalancerClassRule(loadBalancerClass));
  return isNamed && (service.metadata.finalizers ?? []).includes(FINALIZER);
}

async function clean(api: KubeApi, service: Service): Promise<void> {
  const at = { namespace: service.metadata.namespace ?? '', name: service.metadata.name };
  let present: Service | undefined = service;
  for (let attempt = 1; present !== undefined; attempt++) {
    const patch = removalPatch(present, { isHeld: false, isOurs: true });
    if (patch === undefined) return;
    try {
      await api.patch(services, at, { type: 'merge', body: patch }, { subresource: 'status' });
      return;
    } catch (error) {
      if (isKubeError(error, 'not-found')) return;
      if (!isKubeError(error, 'conflict') || attempt === MAX_ATTEMPTS) throw error;
    }
    present = await findObject(api, services, at);
  }
}

async function ledgerNames(api: KubeApi, { berthNamespace }: ClusterOptions): Promise<string[]> {
  const maps = await listConfigMaps(api, berthNamespace);
  return maps.filter(isLedger).map(({ metadata }) => metadata.name);
}

async function remove<T extends KubeObject>(
  api: KubeApi,
  kind: Resource<T>,
  at: { namespace: string; name: string },
): Promise<void> {
  try {
    await api.delete(kind, at);
  } catch (error) {
    if (!isKubeError(error, 'not-found')) throw error;
  }
}
