// SPDX-License-Identifier: Apache-2.0
/** Which VIPs the cluster wants announced, for which Service and by which policies. Pure. */
import {
  IpAddress,
  isOurs,
  type KubeService,
  type L2Advertisement,
  type LoadBalancerClassRule,
  type PoolConfig,
  policiesOfVip,
  type ServiceKey,
  serviceKeyOf,
} from '@berth/core';
import { wasUsed } from './trim.ts';

/** One address of one Service. */
export interface WantedVip {
  readonly service: ServiceKey;
  readonly vip: IpAddress;
  /** The policies that apply; at least one. */
  readonly policies: readonly L2Advertisement[];
  /** Whether it may have clients already. */
  readonly wasAnnounced: boolean;
  /** Whether only nodes with an endpoint of the Service may own it (externalTrafficPolicy Local). Default: false. */
  readonly isLocal?: boolean;
}

/** Every VIP that a Service of ours holds in its status. A Service that is being deleted holds none any more. */
export function wantedVips(
  services: Iterable<KubeService>,
  config: PoolConfig,
  rule: LoadBalancerClassRule,
): WantedVip[] {
  const wanted: WantedVip[] = [];
  for (const service of services) {
    if (!isOurs(service, rule) || service.metadata?.deletionTimestamp !== undefined) continue;
    const about = {
      service: serviceKeyOf(service),
      isLocal: service.spec?.externalTrafficPolicy === 'Local',
    };
    for (const vip of heldVips(service)) {
      const policies = policiesOfVip(service, vip, config);
      if (policies.announced)
        wanted.push({ ...about, vip, wasAnnounced: wasUsed(service, vip), policies: policies.advertisements });
    }
  }
  return wanted;
}

// ipMode Proxy: somebody in front terminates the traffic, so nobody must answer for the address.
function heldVips(service: KubeService): IpAddress[] {
  const vips = new Map<string, IpAddress>();
  for (const { ip, ipMode } of service.status?.loadBalancer?.ingress ?? []) {
    const address = IpAddress.parse(ip ?? '');
    if (address.ok && (ipMode ?? 'VIP') === 'VIP') vips.set(String(address.value), address.value);
  }
  return [...vips.values()];
}
