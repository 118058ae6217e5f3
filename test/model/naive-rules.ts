// SPDX-License-Identifier: Apache-2.0

// The rules of sharing and of who may have which address, written a second time as plainly as possible: every address
// of the tiny pools is looked at, nothing is indexed. The allocator is held against this.

import type { AddressPool, KubeService, Labels, PoolConfig } from '@berth/core';
import { IpAddress } from '@berth/core';

/** What a Service's spec says, as far as it matters for sharing. */
export interface Terms {
  readonly key: string;
  readonly ports: readonly string[];
  readonly local: string | undefined;
}

/** An entry of the ledger as it is stored. */
export interface StoredEntry {
  readonly pool?: string;
  readonly services?: readonly {
    readonly name: string;
    readonly share?: { readonly key: string; readonly ports: readonly string[]; readonly local?: string };
  }[];
  readonly former?: { readonly name: string; readonly restsUntil?: string };
  readonly quarantine?: object;
}

export function mayShare(one: Terms, other: Terms): boolean {
  if (one.key === '' || one.key !== other.key) return false;
  if (one.ports.some((port) => other.ports.includes(port))) return false;
  if (one.local === undefined && other.local === undefined) return true;
  return one.local !== undefined && one.local !== '' && one.local === other.local;
}

export function termsOfEntry(service: NonNullable<StoredEntry['services']>[number]): Terms {
  const { share } = service;
  return share === undefined
    ? { key: '', ports: [], local: undefined }
    : { key: share.key, ports: share.ports, local: share.local };
}

export function termsOfService({ metadata, spec }: KubeService): Terms {
  const selector = Object.entries(spec?.selector ?? {}).map(([name, value]) => `${name}=${value}`);
  return {
    key: metadata?.annotations?.['berth.dev/allow-shared-ip'] ?? '',
    ports: (spec?.ports ?? []).map(({ protocol = 'TCP', port }) => `${protocol}/${port}`),
    local: spec?.externalTrafficPolicy === 'Local' ? selector.sort().join() : undefined,
  };
}

export interface Situation {
  readonly config: PoolConfig;
  readonly namespaces: ReadonlyMap<string, Labels>;
  /** By address. */
  readonly ledger: ReadonlyMap<string, StoredEntry>;
  readonly nowMs: number;
  /** Addresses that others show. */
  readonly occupied: ReadonlySet<string>;
}

/**
 * Whether a Service without any address and without a wish for one could be given some: an address of each family out
 * of one pool, or with PreferDualStack of a single family.
 */
export function couldBeServed(service: KubeService, situation: Situation): boolean {
  const families = (service.spec?.clusterIPs ?? []).map((text) => (text.includes(':') ? 'IPv6' : 'IPv4'));
  const isPreferred = service.spec?.ipFamilyPolicy === 'PreferDualStack';
  return situation.config.pools.some((pool) => {
    if (!isOpenTo(pool, service, situation)) return false;
    const has = families.map((family) =>
      addressesOf(pool).some((address) => address.family === family && isAvailable(address, pool, service, situation)),
    );
    const isWithinQuota = quotaLeft(pool, service, situation) >= (isPreferred ? 1 : families.length);
    return isWithinQuota && (isPreferred ? has.includes(true) : !has.includes(false));
  });
}

function isOpenTo(pool: AddressPool, { metadata }: KubeService, { namespaces }: Situation): boolean {
  const wanted = metadata?.annotations?.['berth.dev/address-pool'] ?? '';
  if (wanted === '' ? !pool.autoAssign : wanted !== pool.name) return false;
  const { namespaces: listed, namespaceSelectors, serviceSelectors } = pool.serviceAllocation;
  const namespace = metadata?.namespace ?? '';
  const labels = namespaces.get(namespace) ?? {};
  const isSelected = (selectors: typeof serviceSelectors, having: Labels) =>
    selectors.some(({ matchLabels }) => Object.entries(matchLabels).every(([name, value]) => having[name] === value));
  if (
    listed.length + namespaceSelectors.length > 0 &&
    !listed.includes(namespace) &&
    !isSelected(namespaceSelectors, labels)
  )
    return false;
  return serviceSelectors.length === 0 || isSelected(serviceSelectors, metadata?.labels ?? {});
}

// Quotas are only compared where the Service shares nothing, so a shared address need not be distinguished from a new
// one.
function quotaLeft(pool: AddressPool, { metadata }: KubeService, { ledger }: Situation): number {
  const namespace = metadata?.namespace ?? '';
  const limit = pool.quota?.namespaces[namespace] ?? pool.quota?.perNamespace;
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const held = addressesOf(pool).filter((address) =>
    ledger.get(`${address}`)?.services?.some(({ name }) => name.startsWith(`${namespace}/`)),
  );
  return limit - held.length;
}

function isAvailable(
  address: IpAddress,
  pool: AddressPool,
  service: KubeService,
  { ledger, nowMs, occupied }: Situation,
): boolean {
  if (occupied.has(`${address}`)) return false;
  const key = `${service.metadata?.namespace}/${service.metadata?.name}`;
  const lastOctet = Number(address.value & 255n);
  if (pool.avoidBuggyIPs && address.family === 'IPv4' && (lastOctet === 0 || lastOctet === 255)) return false;
  if (address.family === 'IPv6' && (address.value & ((1n << 64n) - 1n)) === 0n) return false;
  if (pool.exclude.some(({ range }) => range.contains(address))) return false;
  if (pool.reserved.some((reservation) => reservation.address.equals(address) && reservation.service !== key))
    return false;
  const entry = ledger.get(`${address}`);
  const { former, quarantine, services = [] } = entry ?? {};
  if (services.length > 0 || quarantine !== undefined) return false;
  return former?.restsUntil === undefined || former.name === key || Date.parse(former.restsUntil) <= nowMs;
}

function addressesOf(pool: AddressPool): IpAddress[] {
  return pool.addresses.flatMap(({ range }) =>
    Array.from({ length: Number(range.size) }, (_, index) =>
      IpAddress.of(range.family, range.first.value + BigInt(index)),
    ),
  );
}
