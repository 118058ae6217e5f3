// SPDX-License-Identifier: Apache-2.0
/** Whether a Service may use a pool at all, by its namespace and labels. */
import { type Labels, matchesAny } from '../config/label-selector.ts';
import type { AddressPool } from '../config/pool-config.ts';
import type { ServiceRequest } from '../service/service-request.ts';

const NO_LABELS: Labels = {};

/**
 * Why the pool is closed to the Service, or undefined when it is open. A namespace must be listed or match a namespace
 * selector; the Service must match any service selector; both where both are given.
 */
export function closedBecause(
  { name, serviceAllocation }: AddressPool,
  { namespace, labels }: Pick<ServiceRequest, 'namespace' | 'labels'>,
  namespaces: ReadonlyMap<string, Labels>,
): string | undefined {
  const { namespaces: listed, namespaceSelectors, serviceSelectors } = serviceAllocation;
  if (listed.length + namespaceSelectors.length > 0) {
    const hasLabels = () => matchesAny(namespaceSelectors, namespaces.get(namespace) ?? NO_LABELS);
    if (!listed.includes(namespace) && !hasLabels()) return `pool ${name} is closed to namespace ${namespace}`;
  }
  if (serviceSelectors.length > 0 && !matchesAny(serviceSelectors, labels)) {
    return `pool ${name} does not select the labels of the Service`;
  }
  return undefined;
}

/** How many addresses of the pool the namespace may hold, undefined when there is no limit. */
export function quotaOf({ quota }: AddressPool, namespace: string): number | undefined {
  if (quota === undefined) return undefined;
  return Object.hasOwn(quota.namespaces, namespace) ? quota.namespaces[namespace] : quota.perNamespace;
}
