// SPDX-License-Identifier: Apache-2.0
/** Which L2 policies speak about a pool and about a Service. */
import { type Labels, matchesAny } from './label-selector.ts';
import type { AddressPool, L2Advertisement, PoolConfig } from './pool-config.ts';

/** What holds where there is no L2Advertisement document at all: everything from everywhere. */
export const ANNOUNCE_EVERYTHING: L2Advertisement = {
  name: '',
  ipAddressPools: [],
  ipAddressPoolSelectors: [],
  nodeSelectors: [],
  interfaces: [],
  serviceSelectors: [],
  preferredNodeSelectors: [],
};

/** The policies that cover the pool. A policy that names neither pools nor pool selectors covers all of them. */
export function advertisementsOfPool(config: PoolConfig, pool: AddressPool): readonly L2Advertisement[] {
  if (config.advertisements.length === 0) return [ANNOUNCE_EVERYTHING];
  return config.advertisements.filter((policy) => covers(policy, pool));
}

export type Announcement =
  | { readonly announced: true; readonly advertisements: readonly L2Advertisement[] }
  | {
      readonly announced: false;
      readonly reason: 'NoAdvertisement' | 'SharedWithServiceSelector';
      readonly message: string;
    };

/**
 * The policies that apply to a Service with an address of the pool. Any policy that matches is enough. A Service with a
 * sharing key is not announced through a pool with a policy that filters by Service label, since the Services that
 * share the address could have different candidates.
 */
export function announcementOf(
  policies: readonly L2Advertisement[],
  service: { readonly labels: Labels; readonly sharingKey: string },
): Announcement {
  const filtering = policies.find((policy) => policy.serviceSelectors.length > 0);
  if (filtering !== undefined && service.sharingKey !== '') {
    const message = `L2Advertisement ${filtering.name} selects Services, and this one has a sharing key`;
    return { announced: false, reason: 'SharedWithServiceSelector', message };
  }
  const advertisements = policies.filter(
    ({ serviceSelectors }) => serviceSelectors.length === 0 || matchesAny(serviceSelectors, service.labels),
  );
  if (advertisements.length > 0) return { announced: true, advertisements };
  return { announced: false, reason: 'NoAdvertisement', message: 'no L2Advertisement covers this Service' };
}

function covers(policy: L2Advertisement, pool: AddressPool): boolean {
  const isOpen = policy.ipAddressPools.length === 0 && policy.ipAddressPoolSelectors.length === 0;
  return isOpen || policy.ipAddressPools.includes(pool.name) || matchesAny(policy.ipAddressPoolSelectors, pool.labels);
}
