// SPDX-License-Identifier: Apache-2.0
/** Which L2 policies speak about a VIP of a Service. */
import {
  ANNOUNCE_EVERYTHING,
  type Announcement,
  advertisementsOfPool,
  announcementOf,
} from '../config/advertisement.ts';
import type { AddressPool, L2Advertisement, PoolConfig } from '../config/pool-config.ts';
import type { IpAddress } from '../net/ip-address.ts';
import { readSharingKey } from './annotations.ts';
import type { KubeService } from './kube-service.ts';

/** The policies that apply, or why none does. */
export function policiesOfVip(service: KubeService, vip: IpAddress, config: PoolConfig): Announcement {
  const pool = config.pools.find((one) => holds(one, vip));
  const policies = pool ? advertisementsOfPool(config, pool) : policiesOutsidePools(config);
  const sharingKey = readSharingKey(service.metadata?.annotations ?? {});
  const about = { labels: service.metadata?.labels ?? {}, sharingKey: sharingKey.ok ? sharingKey.value : '' };
  return announcementOf(policies, about);
}

// A VIP whose pool was taken out of the configuration is kept and answered without a gap; no policy names it, so all
// may.
function policiesOutsidePools(config: PoolConfig): readonly L2Advertisement[] {
  return config.advertisements.length === 0 ? [ANNOUNCE_EVERYTHING] : config.advertisements;
}

function holds(pool: AddressPool, vip: IpAddress): boolean {
  return pool.addresses.some(({ range }) => range.contains(vip));
}
