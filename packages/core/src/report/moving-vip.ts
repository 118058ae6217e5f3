// SPDX-License-Identifier: Apache-2.0
/** VIPs that are on their way from one node to the next, by what nodes wrote last. */
import { isOurs } from '../service/load-balancer-class.ts';
import { ownAddressesOf } from '../service/usage.ts';
import { announcedConditionOf } from '../status/announced.ts';
import type { ClusterFacts } from './cluster-facts.ts';

/**
 * Whether no node says that it answers for a VIP which is announced by the word of the controller, which waits for some
 * seconds before it says otherwise. After a move the node before writes first, and the next one up to a second later.
 */
export function hasMovingVip({ services, rule, claims }: ClusterFacts): boolean {
  const isUnclaimed = (vip: string) => claims.ownersOf(vip).length === 0;
  return services.some(
    (service) =>
      isOurs(service, rule) &&
      announcedConditionOf(service)?.status === 'True' &&
      ownAddressesOf(service, rule).some((vip) => isUnclaimed(String(vip))),
  );
}
