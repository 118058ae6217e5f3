// SPDX-License-Identifier: Apache-2.0
/** Which VIPs the cluster wants announced, for which Service and by which policies. Pure. */
import {
  givenTo,
  type IpAddress,
  includesAddress,
  isOurs,
  type KubeService,
  type L2Advertisement,
  type LoadBalancerClassRule,
  type PoolConfig,
  policiesOfVip,
  type ServiceKey,
  serviceKeyOf,
  shownAddressesOf,
  wasAnnounced,
} from '@berth/core';

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

export interface WantedScope {
  /** What the controller accepted last; undefined: nothing, so nothing is wanted. */
  readonly config: PoolConfig | undefined;
  readonly rule: LoadBalancerClassRule;
  /** Of the wall clock. */
  readonly nowMs: number;
}

/**
 * Every VIP that a Service of ours shows, and that was given to it by Berth or taken over: what anybody else wrote
 * there is not ours to answer for. A Service that is being deleted holds none any more.
 */
export function wantedVips(services: Iterable<KubeService>, { config, rule, nowMs }: WantedScope): WantedVip[] {
  if (config === undefined) return [];
  const wanted: WantedVip[] = [];
  for (const service of services) {
    if (!isOurs(service, rule) || service.metadata?.deletionTimestamp !== undefined) continue;
    const about = {
      service: serviceKeyOf(service),
      isLocal: service.spec?.externalTrafficPolicy === 'Local',
    };
    for (const vip of heldVips(service, rule)) {
      const policies = policiesOfVip(service, vip, config);
      if (policies.announced)
        wanted.push({
          ...{ ...about, vip, policies: policies.advertisements },
          wasAnnounced: wasAnnounced(service, vip, nowMs),
        });
    }
  }
  return wanted;
}

function heldVips(service: KubeService, rule: LoadBalancerClassRule): readonly IpAddress[] {
  const given = givenTo(service, rule);
  if (given === undefined) return [];
  return shownAddressesOf(service).filter((vip) => includesAddress(given, vip) && !isProxied(service, vip));
}

// ipMode Proxy: somebody in front terminates the traffic, so no one must answer for the address.
function isProxied({ status }: KubeService, vip: IpAddress): boolean {
  const entries = status?.loadBalancer?.ingress ?? [];
  return entries.some(({ ip, ipMode = 'VIP' }) => ipMode !== 'VIP' && ip === String(vip));
}
