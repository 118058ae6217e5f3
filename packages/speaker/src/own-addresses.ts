// SPDX-License-Identifier: Apache-2.0
/**
 * Addresses that must never become VIPs although no probe would find them: those of this node itself, whose answers the other members
 * take for a member's, and its gateways, without which the node is cut off.
 */
import {
  ADDRESS_BITS,
  type AddressConflict,
  IpAddress,
  MacAddress,
  mayBeGiven,
  type PoolCatalog,
  type PoolConfig,
} from '@berth/core';
import type { LinkState } from '@berth/link';

/** The next hop of a default route. */
export interface Gateway {
  readonly address: IpAddress;
  readonly interface: string;
  /** Undefined where the kernel has not asked for it yet. */
  readonly mac: MacAddress | undefined;
}

/** Files of /proc/net, as text; empty where there is none. */
export interface RoutingTables {
  readonly route: string;
  readonly ipv6Route: string;
  readonly arp: string;
}

/** The addresses of this node and its gateways that a pool could give. The time is when each was first seen. */
export function ownAddressConflicts(
  pools: PoolCatalog,
  links: readonly LinkState[],
  gateways: readonly Gateway[],
): Omit<AddressConflict, 'sinceSeconds'>[] {
  const own = links.flatMap(({ name, mac, addresses }) =>
    addresses.map(({ address }) => ({ vip: address, interface: name, mac: mac ?? MacAddress.ZERO })),
  );
  const next = gateways.map((one) => ({ vip: one.address, interface: one.interface, mac: one.mac ?? MacAddress.ZERO }));
  const unique = new Map([...next, ...own].map((one) => [String(one.vip), one]));
  return [...unique.values()]
    .filter(({ vip }) => mayBeGiven(pools, vip))
    .map((one) => ({ ...one, kind: 'before-use' as const }));
}

/** An entry of a pool, as the user wrote it. */
export interface OutsideEntry {
  readonly pool: string;
  readonly entry: string;
}

/**
 * The entries of pools that share no address with any subnet of these interfaces: clients on the segment ask a router for such a VIP, which
 * most often knows nothing of it.
 */
export function entriesOutside(config: PoolConfig, links: readonly LinkState[]): OutsideEntry[] {
  const subnets = links.flatMap(({ addresses }) =>
    addresses.map(({ address, prefixLength }) => {
      const hostBits = BigInt(ADDRESS_BITS[address.family] - prefixLength);
      const first = (address.value >> hostBits) << hostBits;
      return { family: address.family, first, last: first + (1n << hostBits) - 1n };
    }),
  );
  return config.pools.flatMap(({ name, addresses }) =>
    addresses
      .filter(
        ({ range }) =>
          !subnets.some(
            ({ family, first, last }) =>
              family === range.family && first <= range.last.value && last >= range.first.value,
          ),
      )
      .map(({ text }) => ({ pool: name, entry: text })),
  );
}

/** The gateways of the default routes (proc(5)). Lines that cannot be read are left out. */
export function gatewaysOf({ route, ipv6Route, arp }: RoutingTables): Gateway[] {
  const macs = macsOf(arp);
  return [...route.split('\n').flatMap(ipv4Gateway), ...ipv6Route.split('\n').flatMap(ipv6Gateway)].map(
    ({ address, ifname }) => ({ address, interface: ifname, mac: macs.get(String(address)) }),
  );
}

interface NextHop {
  readonly address: IpAddress;
  readonly ifname: string;
}

// Iface Destination Gateway Flags RefCnt Use Metric Mask ...; addresses are hexadecimal numbers in host byte order.
function ipv4Gateway(line: string): NextHop[] {
  const [ifname = '', destination, gateway, , , , , mask] = line.trim().split(/\s+/);
  if (destination !== '00000000' || mask !== '00000000' || !isHex(gateway, 8) || gateway === '00000000') return [];
  const bytes = new Uint8Array(Uint32Array.of(Number.parseInt(gateway, 16)).buffer);
  const address = IpAddress.fromBytes(bytes);
  return address ? [{ address, ifname }] : [];
}

// Destination, prefix length, source, prefix length, next hop, metric, reference counter, use counter, flags, interface.
function ipv6Gateway(line: string): NextHop[] {
  const [destination, length, , , hop, , , , , ifname = ''] = line.trim().split(/\s+/);
  if (destination !== '0'.repeat(32) || length !== '00' || !isHex(hop, 32) || hop === '0'.repeat(32)) return [];
  return [{ address: IpAddress.of('IPv6', BigInt(`0x${hop}`)), ifname }];
}

// IP address, HW type, Flags, HW address, Mask, Device.
function macsOf(arp: string): Map<string, MacAddress> {
  const macs = new Map<string, MacAddress>();
  for (const line of arp.split('\n')) {
    const [ip = '', , , hardware = ''] = line.trim().split(/\s+/);
    const mac = MacAddress.parse(hardware);
    if (mac.ok && !mac.value.isZero) macs.set(ip, mac.value);
  }
  return macs;
}

function isHex(text: string | undefined, digits: number): text is string {
  return text !== undefined && text.length === digits && /^[0-9A-Fa-f]+$/.test(text);
}
