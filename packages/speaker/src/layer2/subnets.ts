// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a VIP lies in a subnet of the interfaces on which it is announced. Elsewhere clients ask a router for it,
 * which does not know it. Pure.
 */
import { IpAddress, IpPrefix } from '@berth/core';
import type { LinkState } from '@berth/link';

/** `interfaces` are names. */
export function isInSubnet(vip: string, interfaces: readonly string[], links: readonly LinkState[]): boolean {
  const parsed = IpAddress.parse(vip);
  return parsed.ok && subnetTest(links)(parsed.value, interfaces);
}

/** The same for many VIPs. */
export function subnetTest(links: readonly LinkState[]): (vip: IpAddress, interfaces: readonly string[]) => boolean {
  const known = new Map<string, readonly IpPrefix[]>();
  const subnetsOf = (ifname: string) => {
    const addresses = known.has(ifname)
      ? []
      : links.filter(({ name }) => name === ifname).flatMap((one) => one.addresses);
    const subnets =
      known.get(ifname) ?? addresses.map(({ address, prefixLength }) => IpPrefix.containing(address, prefixLength));
    known.set(ifname, subnets);
    return subnets;
  };
  return (vip, interfaces) => interfaces.some((ifname) => subnetsOf(ifname).some((subnet) => subnet.contains(vip)));
}
