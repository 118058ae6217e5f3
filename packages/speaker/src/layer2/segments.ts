// SPDX-License-Identifier: Apache-2.0
/** The interfaces of this node on which VIPs are answered. */
import {
  fitness,
  type InterfaceFacts,
  type IpFamily,
  type MacAddress,
  type NamePattern,
  type PoolConfig,
} from '@berth/core';
import type { LinkState } from '@berth/link';

/** One layer-2 segment as seen from this node. */
export interface Segment {
  readonly ifindex: number;
  readonly ifname: string;
  readonly mac: MacAddress;
  /** Families whose VIPs are answered here: IPv4 needs broadcasts, IPv6 a link-local address. */
  readonly families: readonly IpFamily[];
}

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

/** Only `up`, and `unknown` of drivers that do not tell, let frames pass (RFC 2863). */
const PASSING_STATES: readonly string[] = ['up', 'unknown'];

/** The interfaces that fit for at least one family, by index. */
export function fittingSegments(links: readonly LinkState[], excluded: readonly NamePattern[]): Segment[] {
  return links.flatMap((link) => {
    if (!link.mac) return [];
    const families = FAMILIES.filter((family) => fitness(factsOf(link), family, excluded).fits);
    return families.length > 0 ? [{ ifindex: link.index, ifname: link.name, mac: link.mac, families }] : [];
  });
}

/**
 * Of the fitting interfaces those on which a policy could have something announced. A card that no policy names takes
 * no part: of two cards in one LAN the one with the lower index would serve it otherwise, whichever of them the policy
 * means.
 */
export function usedSegments(fitting: readonly Segment[], { advertisements }: PoolConfig): readonly Segment[] {
  const isOpen = advertisements.length === 0 || advertisements.some(({ interfaces }) => interfaces.length === 0);
  if (isOpen) return fitting;
  const named = new Set(advertisements.flatMap(({ interfaces }) => interfaces));
  return fitting.filter(({ ifname }) => named.has(ifname));
}

/**
 * Whether both are the same interface, under the same name and MAC address. Its families may differ: they come and go.
 */
export function isSameSegment(a: Segment, b: Segment): boolean {
  return a.ifindex === b.ifindex && a.ifname === b.ifname && a.mac.equals(b.mac);
}

function factsOf(link: LinkState): InterfaceFacts {
  return {
    ...link,
    hasCarrier: link.hasCarrier && PASSING_STATES.includes(link.operState),
    // A VRF is a routing table, not a switch: its members receive frames themselves.
    masterIndex: link.masterKind === 'vrf' ? undefined : link.masterIndex,
    hasLinkLocalV6: link.addresses.some(
      ({ address, isTentative }) => address.family === 'IPv6' && !isTentative && isLinkLocal(address),
    ),
    isLinkLocalOnly: hasOnlyLinkLocal(link),
  };
}

// An interface without any IPv4 address may well be a LAN: nodes need no address in the subnet of their VIPs.
function hasOnlyLinkLocal({ addresses }: LinkState): boolean {
  const hasIpv4 = addresses.some(({ address }) => address.family === 'IPv4');
  return hasIpv4 && addresses.every(({ address }) => isLinkLocal(address));
}

/** fe80::/10 (RFC 4291, 2.4), 169.254.0.0/16 (RFC 3927, 2.1). */
export function isLinkLocal({ family, value }: LinkState['addresses'][number]['address']): boolean {
  return family === 'IPv6' ? value >> 118n === 0x3fan : value >> 16n === 0xa9fen;
}
