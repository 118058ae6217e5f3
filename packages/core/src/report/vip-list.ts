// SPDX-License-Identifier: Apache-2.0
/** All VIPs with their Services, their owners and whether they are reached. */
import type { PoolCatalog } from '../ipam/pool-catalog.ts';
import { IpAddress } from '../net/ip-address.ts';
import { type KubeService, serviceKeyOf } from '../service/kube-service.ts';
import { isOurs } from '../service/load-balancer-class.ts';
import { ownAddressesOf } from '../service/usage.ts';
import { announcedConditionOf } from '../status/announced.ts';
import { reachableConditionOf } from '../status/reachable.ts';
import { whyNoOne, whyOwned } from './answered-by.ts';
import type { OwnedBy } from './claim-table.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import type { ClaimRow, VipRow } from './model.ts';

/**
 * Those that Berth gave to a Service, and those that a node answers for although no Service has them; in the order of
 * addresses.
 */
export function vipList(facts: ClusterFacts, catalog: PoolCatalog): readonly VipRow[] {
  const { services, rule, claims } = facts;
  const rows = new Map<string, { readonly vip: IpAddress; readonly services: KubeService[] }>();
  for (const service of services) {
    if (!isOurs(service, rule)) continue;
    for (const vip of ownAddressesOf(service, rule)) {
      const known = rows.get(String(vip));
      if (known) known.services.push(service);
      else rows.set(String(vip), { vip, services: [service] });
    }
  }
  for (const text of claims.vips()) {
    const vip = IpAddress.parse(text);
    if (vip.ok && !rows.has(text)) rows.set(text, { vip: vip.value, services: [] });
  }
  const sorted = [...rows.values()].sort((a, b) => a.vip.compare(b.vip));
  return sorted.map(({ vip, services: holders }) => rowOf(vip, holders, { facts, catalog }));
}

function rowOf(
  vip: IpAddress,
  services: readonly KubeService[],
  { facts, catalog }: { readonly facts: ClusterFacts; readonly catalog: PoolCatalog },
): VipRow {
  const owners = facts.claims.ownersOf(String(vip));
  const [first] = services;
  const { reachable, reachableText } = reachOf(services);
  return {
    ...{ vip: String(vip), family: vip.family, services: services.map(serviceKeyOf) },
    pool: catalog.poolOf(vip)?.pool.name,
    claims: owners.map(claimRow),
    servedBy: servedBy(services, facts),
    ...{ reachable, reachableText },
    silent: owners.length > 0 || first === undefined ? undefined : silenceOf(vip, first, facts),
  };
}

/** What a node that answers says of it. */
export function claimRow(owner: OwnedBy): ClaimRow {
  const { node, interface: ifname, term, sinceSeconds, why, isOutside = false, moved } = owner;
  return {
    ...{ node, interface: ifname, term, sinceMs: sinceSeconds * 1000, why, isOutside, moved },
    whyText: whyOwned(owner),
  };
}

// Any node serves a Service of the usual policy; what is shared is served where any of the Services is.
function servedBy(services: readonly KubeService[], { local }: ClusterFacts): VipRow['servedBy'] {
  const lists = services.map((service) => local.get(serviceKeyOf(service)));
  if (lists.length === 0 || lists.includes(undefined)) return 'any';
  return [...new Set(lists.flatMap((nodes) => [...(nodes ?? [])]))].sort();
}

function reachOf(services: readonly KubeService[]): Pick<VipRow, 'reachable' | 'reachableText'> {
  const conditions = services.flatMap((service) => reachableConditionOf(service) ?? []);
  const worst =
    conditions.find(({ status }) => status === 'False') ?? conditions.find(({ status }) => status !== 'True');
  if (worst !== undefined)
    return { reachable: worst.status === 'False' ? 'no' : 'unknown', reachableText: worst.message };
  return conditions.length === 0
    ? { reachable: 'unknown', reachableText: 'not tested yet' }
    : { reachable: 'yes', reachableText: '' };
}

// The condition knows longest; it is written a moment after the nodes tell.
function silenceOf(vip: IpAddress, service: KubeService, facts: ClusterFacts): string {
  const condition = announcedConditionOf(service);
  return condition?.status === 'False' ? `${condition.reason}: ${condition.message}` : whyNoOne(vip, service, facts);
}
