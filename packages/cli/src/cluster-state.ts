// SPDX-License-Identifier: Apache-2.0
/** Reads what commands need to know of a cluster, each kind once. */
import {
  EMPTY_POOL_CONFIG,
  isOurs,
  LAST_GOOD_MAP,
  type Labels,
  LEDGER_NAME,
  type LedgerObject,
  ledgerObjectOf,
  loadBalancerClassRule,
  POOL_CONFIG_MAP,
  type PoolConfig,
  parsePoolConfig,
  readServiceRequest,
  type ServiceRequest,
} from '@berth/core';
import {
  type ConfigMap,
  configMaps,
  isKubeError,
  type KubeApi,
  type KubeObject,
  namespaces,
  type ObjectName,
  type Resource,
  type Service,
  services,
} from '@berth/kube';
import type { ClusterOptions } from './operation.ts';

/** Objects per page of a list. */
const PAGE_SIZE = 500;

const LEDGER_NAMES = new RegExp(`^${LEDGER_NAME}(-\\d+)?$`);

export interface ClusterState {
  /** What is in force. */
  readonly config: PoolConfig;
  /** Where it was read from: the ConfigMap itself, or the last good one where that is missing or refused. */
  readonly configFrom: typeof POOL_CONFIG_MAP | typeof LAST_GOOD_MAP | undefined;
  readonly ledger: readonly LedgerObject[];
  readonly services: readonly Service[];
  /** Of the Services that are ours and are not being deleted. */
  readonly requests: readonly ServiceRequest[];
  readonly namespaces: ReadonlyMap<string, Labels>;
}

export async function readClusterState(api: KubeApi, options: ClusterOptions): Promise<ClusterState> {
  const [maps, allServices, allNamespaces] = await Promise.all([
    listConfigMaps(api, options.berthNamespace),
    listAll(api, services),
    listAll(api, namespaces),
  ]);
  const rule = loadBalancerClassRule(options.loadBalancerClass);
  const live = allServices.filter(
    (service) => isOurs(service, rule) && service.metadata.deletionTimestamp === undefined,
  );
  return {
    ...configIn(maps),
    ledger: maps.filter(({ metadata }) => LEDGER_NAMES.test(metadata.name)).map(ledgerObjectOf),
    services: allServices,
    requests: live.flatMap((service) => readServiceRequest(service) ?? []),
    namespaces: new Map(allNamespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
  };
}

/** What is to be said about the configuration that answers are given by; empty when it is the ConfigMap itself. */
export function noteOnConfig({ configFrom }: ClusterState): string {
  if (configFrom === POOL_CONFIG_MAP) return '';
  if (configFrom === undefined)
    return `there is no configuration in force: ConfigMap ${POOL_CONFIG_MAP} is missing or refused\n`;
  return `ConfigMap ${POOL_CONFIG_MAP} is missing or refused; the last good configuration is in force (${configFrom})\n`;
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

export function isLedger({ metadata }: ConfigMap): boolean {
  return LEDGER_NAMES.test(metadata.name);
}

function configIn(maps: readonly ConfigMap[]): Pick<ClusterState, 'config' | 'configFrom'> {
  for (const name of [POOL_CONFIG_MAP, LAST_GOOD_MAP] as const) {
    const map = maps.find(({ metadata }) => metadata.name === name);
    const parsed = map && parsePoolConfig(map.data ?? {});
    if (parsed?.ok) return { config: parsed.config, configFrom: name };
  }
  return { config: EMPTY_POOL_CONFIG, configFrom: undefined };
}
