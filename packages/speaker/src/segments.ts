// SPDX-License-Identifier: Apache-2.0
/** The interfaces of this node on which VIPs are answered. */
import { fitness, type InterfaceFacts, type IpFamily, type MacAddress } from '@berth/core';
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
export function fittingSegments(links: readonly LinkState[], excluded: readonly RegExp[]): Segment[] {
  return links.flatMap((link) => {
    if (!link.mac) return [];
    const families = FAMILIES.filter((family) => fitness(factsOf(link), family, excluded).fits);
    return families.length > 0 ? [{ ifindex: link.index, ifname: link.name, mac: link.mac, families }] : [];
  });
}

/** Whether both are the same interface, under the same name and MAC address. Its families may differ: they come and go. */
export function isSameSegment(a: Segment, b: Segment): boolean {
  return a.ifindex === b.ifindex && a.ifname === b.ifname && a.mac.equals(b.mac);
}

function factsOf(link: LinkState): InterfaceFacts {
  return {
    ...link,
    hasCarrier: link.hasCarrier && PASSING_STATES.includes(link.operState),
    // A VRF is a routing table, not a switch: its members receive frames themselves.
    masterIndex: link.masterKind === 'vrf' ? undefined : link.masterIndex,
    hasLinkLocalV6: link.addresses.some(({ address, isTentative }) => !isTentative && isLinkLocal(address)),
  };
}

// fe80::/10 (RFC 4291, 2.4).
function isLinkLocal(address: LinkState['addresses'][number]['address']): boolean {
  return address.family === 'IPv6' && address.value >> 118n === 0x3fan;
}
