// SPDX-License-Identifier: Apache-2.0
/**
 * Addresses that must never become VIPs although no probe would find them: those of this node itself, whose answers the
 * other members take for a member's, and its gateways, without which the node is cut off.
 */
import {
  type AddressConflict,
  type IpAddress,
  IpPrefix,
  MacAddress,
  mayBeGiven,
  type PoolCatalog,
  type PoolConfig,
} from '@berth/core';
import type { LinkState, NeighborTables } from '@berth/link';

/** The next hop of a default route. */
export interface Gateway {
  readonly address: IpAddress;
  readonly interface: string;
  /** Undefined where the kernel has not asked for it yet. */
  readonly mac: MacAddress | undefined;
}

/** kube-proxy in IPVS mode and kube-router put every VIP on an interface of their own. */
const VIP_INTERFACES = /^kube-(ipvs|dummy-if)/;

/** Whether the addresses of an interface of this name are the VIPs themselves. */
export function isVipInterface(name: string): boolean {
  return VIP_INTERFACES.test(name);
}

/** The addresses of this node and its gateways that a pool could give. The time is when each was first seen. */
export function ownAddressConflicts(
  pools: PoolCatalog,
  links: readonly LinkState[],
  gateways: readonly Gateway[],
): Omit<AddressConflict, 'sinceSeconds'>[] {
  const own = links
    .filter(({ name }) => !isVipInterface(name))
    .flatMap(({ name, mac, addresses }) =>
      addresses.map(({ address }) => ({
        ...{ vip: address, interface: name, mac: mac ?? MacAddress.ZERO },
        user: 'node' as const,
      })),
    );
  const next = gateways.map((one) => ({
    ...{ vip: one.address, interface: one.interface, mac: one.mac ?? MacAddress.ZERO },
    user: 'gateway' as const,
  }));
  const unique = new Map([...subnetEnds(links), ...next, ...own].map((one) => [String(one.vip), one]));
  return [...unique.values()]
    .filter(({ vip }) => mayBeGiven(pools, vip))
    .map((one) => ({ ...one, kind: 'before-use' as const }));
}

/** IPv4 prefixes longer than this have no network and broadcast address (RFC 3021). */
const LONGEST_WITH_ENDS = 30;

/**
 * Network and broadcast addresses of this node's own subnets: no host may have them, and a VIP there reaches all or
 * no one.
 */
function subnetEnds(links: readonly LinkState[]) {
  return links
    .filter(({ name }) => !isVipInterface(name))
    .flatMap(({ name, addresses }) =>
      addresses.flatMap(({ address, prefixLength }) => {
        if (address.family !== 'IPv4' || prefixLength > LONGEST_WITH_ENDS) return [];
        const { first, last } = IpPrefix.containing(address, prefixLength).range;
        const common = { interface: name, mac: MacAddress.ZERO, user: 'subnet' as const };
        return [first, last].map((vip) => ({ ...common, vip }));
      }),
    );
}

/** An entry of a pool, as the user wrote it. */
export interface OutsideEntry {
  readonly pool: string;
  readonly entry: string;
}

/**
 * The entries of pools that share no address with any subnet of these interfaces: clients on the segment ask a router
 * for such a VIP, which most often knows nothing of it.
 */
export function entriesOutside(config: PoolConfig, links: readonly LinkState[]): OutsideEntry[] {
  const subnets = links.flatMap(({ addresses }) =>
    addresses.map(({ address, prefixLength }) => IpPrefix.containing(address, prefixLength).range),
  );
  return config.pools.flatMap(({ name, addresses }) =>
    addresses
      .filter(({ range }) => !subnets.some((subnet) => subnet.overlaps(range)))
      .map(({ text }) => ({ pool: name, entry: text })),
  );
}

/** The next hops of default routes, with what else is known of them. */
export function gatewaysOf({ gateways, neighbors }: NeighborTables, links: readonly LinkState[]): Gateway[] {
  return gateways.map(({ ip, ifindex }) => ({
    address: ip,
    interface: links.find(({ index }) => index === ifindex)?.name ?? String(ifindex),
    mac: neighbors.find((one) => one.ifindex === ifindex && one.ip.equals(ip))?.mac,
  }));
}
