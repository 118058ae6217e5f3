// SPDX-License-Identifier: Apache-2.0

// One API server for all contract tests: brought up by the first test that needs it, taken down after the last.

import { randomBytes } from 'node:crypto';
import {
  type ClusterAccess,
  configMaps,
  isKubeError,
  KubeClient,
  kubeconfigAccess,
  namespaces,
  type Resource,
  services,
} from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { Lab } from '../../lab/lab.ts';
import { until } from './until.ts';

export interface Cluster {
  readonly lab: Lab;
  readonly access: ClusterAccess;
  /** An administrator's client. */
  readonly client: KubeClient;
}

/** BERTH_KEEP_LAB=1 leaves the API server running for the next run; two runs at a time need two names. */
const LAB_NAME = process.env.BERTH_CONTRACT_LAB ?? 'contract';

let starting: Promise<Cluster> | undefined;

/** Returns the shared API server; starts it when it does not run. */
export function sharedCluster(): Promise<Cluster> {
  starting ??= start();
  return starting;
}

async function start(): Promise<Cluster> {
  const lab = await Lab.up({ name: LAB_NAME, nodes: 0 });
  const access = await kubeconfigAccess(systemClock, lab.kubeconfig);
  return { lab, access, client: new KubeClient({ clock: systemClock, access, userAgent: 'berth-contract' }) };
}

// A root hook: this module is imported at the top of the test files.
after(async function () {
  this.timeout(60_000);
  if (starting === undefined) return;
  const { lab, client } = await starting;
  client.close();
  if (process.env.BERTH_KEEP_LAB === undefined) await lab.down();
});

/** Restarts the API server. On a busy machine the port of one that was killed is free only a moment after its end. */
export async function restartApiServer({ lab }: Cluster, how: 'gently' | 'crash'): Promise<void> {
  await lab.stopApiServer(how);
  await until(() => lab.startApiServer(), 60_000, 1_000);
}

/** Makes a namespace of its own for one test and returns its name. */
export async function makeNamespace(
  client: KubeClient,
  labels: Readonly<Record<string, string>> = {},
  suffix = '',
): Promise<string> {
  const name = `t-${randomBytes(3).toString('hex')}${suffix}`;
  await client.create(namespaces, { metadata: { name, labels } });
  return name;
}

/** Makes a namespace with a fixed name if it is not there. */
export async function ensureNamespace(client: KubeClient, name: string): Promise<void> {
  try {
    await client.create(namespaces, { metadata: { name } });
  } catch (error) {
    if (!isKubeError(error, 'already-exists')) throw error;
  }
}

/** Deletes all Services and ConfigMaps of a namespace, whatever finalizers they carry. */
export async function emptyNamespace(client: KubeClient, namespace: string): Promise<void> {
  for (const kind of [services, configMaps] as Resource<{ readonly metadata: { readonly name: string } }>[]) {
    const { items } = await client.list(kind, { namespace });
    const removable = items.filter((item) => item.metadata.name !== 'kube-root-ca.crt');
    await Promise.all(removable.map((item) => remove(client, kind, { namespace, name: item.metadata.name })));
  }
}

async function remove(
  client: KubeClient,
  kind: Resource<{ readonly metadata: { readonly name: string } }>,
  at: { readonly namespace: string; readonly name: string },
): Promise<void> {
  try {
    await client.patch(kind, at, { type: 'merge', body: { metadata: { finalizers: null } } });
    await client.delete(kind, at);
  } catch (error) {
    if (!isKubeError(error, 'not-found')) throw error;
  }
}
