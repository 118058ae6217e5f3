// SPDX-License-Identifier: Apache-2.0
/** What decisions about addresses look at besides the Service itself. */
import {
  EMPTY_POOL_CONFIG,
  type Labels,
  type Occupants,
  type PoolConfig,
  type ServiceKey,
  type Surroundings,
} from '@berth/core';
import { keyOf, type Namespace, type Service } from '@berth/kube';
import type { PoolState } from '../pools/pool-source.ts';

export function surroundingsOf(
  { config }: PoolState,
  namespaces: Iterable<Namespace>,
  occupants: Occupants,
): Surroundings {
  const labels = new Map<string, Labels>();
  for (const { metadata } of namespaces) if (metadata.labels) labels.set(metadata.name, metadata.labels);
  return { config: config ?? EMPTY_POOL_CONFIG, namespaces: labels, occupants };
}

/**
 * Whether any pool looks at labels of namespaces. Where none does, a namespace that comes, goes or is labelled changes
 * nothing.
 */
export function seesNamespaces(config: PoolConfig | undefined): boolean {
  return config?.pools.some(({ serviceAllocation }) => serviceAllocation.namespaceSelectors.length > 0) ?? false;
}

/** The keys of the Services of type LoadBalancer in a namespace. */
export function* keysIn(namespace: string, services: Iterable<Service>): Iterable<ServiceKey> {
  for (const service of services) {
    if (service.metadata.namespace === namespace && service.spec?.type === 'LoadBalancer') yield keyOf(service);
  }
}
