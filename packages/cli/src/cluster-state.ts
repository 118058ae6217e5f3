// SPDX-License-Identifier: Apache-2.0
/** Reads what commands need to know of a cluster, each kind once. */
import { isLedger, noteOnConfig as noteOf, type PoolFacts, type PoolObjects, readPools } from '@berth/core';
import {
  type ConfigMap,
  configMaps,
  isKubeError,
  type KubeApi,
  type KubeObject,
  namespaces,
  nodes,
  type ObjectName,
  type Resource,
  type Service,
  serviceCidrs,
  services,
} from '@berth/kube';
import type { ClusterOptions } from './operation.ts';

/** Objects per page of a list. */
const PAGE_SIZE = 500;

/** What pools and ledger say, with the Services as they are. */
export interface ClusterState extends PoolFacts {
  readonly services: readonly Service[];
}

export async function readClusterState(api: KubeApi, options: ClusterOptions): Promise<ClusterState> {
  const objects = await listPoolObjects(api, options);
  return { ...readPools(objects), services: objects.services };
}

/** The objects that tell of pools and allocations, each kind listed once. */
export async function listPoolObjects(
  api: KubeApi,
  options: ClusterOptions,
): Promise<PoolObjects & { readonly services: readonly Service[] }> {
  const [maps, allServices, allNamespaces, allNodes, ranges] = await Promise.all([
    listConfigMaps(api, options.berthNamespace),
    listAll(api, services),
    listAll(api, namespaces),
    listAll(api, nodes),
    serviceRanges(api),
  ]);
  return {
    ...{ configMaps: maps, services: allServices, namespaces: allNamespaces, nodes: allNodes, serviceCidrs: ranges },
    loadBalancerClass: options.loadBalancerClass,
  };
}

// Kubernetes before 1.33 knows no such kind, and who may not list it goes without.
async function serviceRanges(api: KubeApi): Promise<string[]> {
  try {
    const all = await listAll(api, serviceCidrs);
    return all.flatMap(({ spec }) => spec?.cidrs ?? []);
  } catch (error) {
    if (isKubeError(error, 'not-found', 'forbidden')) return [];
    throw error;
  }
}

/**
 * What is to be said about the configuration that answers are given by, as a line; empty when it is the ConfigMap
 * itself.
 */
export function noteOnConfig(facts: Pick<PoolFacts, 'configFrom' | 'configProblems' | 'isMetallbAtWork'>): string {
  const note = noteOf(facts);
  return note === '' ? '' : `${note}\n`;
}

/** All objects of a kind, in one namespace or in all. */
export async function listAll<T extends KubeObject>(api: KubeApi, kind: Resource<T>, namespace?: string): Promise<T[]> {
  const items: T[] = [];
  let continueToken: string | undefined;
  do {
    const page = await api.list(kind, {
      limit: PAGE_SIZE,
      ...(namespace === undefined ? {} : { namespace }),
      ...(continueToken === undefined ? {} : { continueToken }),
    });
    for (const item of page.items) items.push(item);
    continueToken = page.continueToken;
  } while (continueToken !== undefined);
  return items;
}

/** The object, or undefined when it is not there. */
export async function findObject<T extends KubeObject>(
  api: KubeApi,
  kind: Resource<T>,
  at: ObjectName,
): Promise<T | undefined> {
  try {
    return await api.get(kind, at);
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** ConfigMaps of Berth's namespace: none when the namespace is gone. */
export function listConfigMaps(api: KubeApi, berthNamespace: string): Promise<ConfigMap[]> {
  return listAll(api, configMaps, berthNamespace);
}

export { isLedger };
