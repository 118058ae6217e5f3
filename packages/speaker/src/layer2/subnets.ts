// SPDX-License-Identifier: Apache-2.0
/**
 * The subnets of interfaces, and whether a VIP lies in one of those on which it is announced. Elsewhere clients ask a
 * router for it, which does not know it. Pure.
 */
import { ADDRESS_BITS, IpAddress, IpPrefix } from '@berth/core';
import type { LinkState } from '@berth/link';
import { isLinkLocal } from './segments.ts';

/** `interfaces` are names. */
export function isInSubnet(vip: string, interfaces: readonly string[], links: readonly LinkState[]): boolean {
  const parsed = IpAddress.parse(vip);
  return parsed.ok && subnetTest(links)(parsed.value, interfaces);
}

/** The same for many VIPs. */
export function subnetTest(links: readonly LinkState[]): (vip: IpAddress, interfaces: readonly string[]) => boolean {
  const known = new Map<string, readonly IpPrefix[]>();
  const knownOf = (ifname: string) => {
    const subnets = known.get(ifname) ?? allSubnetsOf(ifname, links);
    known.set(ifname, subnets);
    return subnets;
  };
  return (vip, interfaces) => interfaces.some((ifname) => knownOf(ifname).some((subnet) => subnet.contains(vip)));
}

/** The subnets of an interface that a pool could lie in, each once: no link-local one, and no single address. */
export function subnetsOf(ifname: string, links: readonly LinkState[]): readonly IpPrefix[] {
  const all = allSubnetsOf(ifname, links).filter(
    ({ network, length }) => !isLinkLocal(network) && length < ADDRESS_BITS[network.family],
  );
  return [...new Map(all.map((subnet) => [String(subnet), subnet])).values()];
}

function allSubnetsOf(ifname: string, links: readonly LinkState[]): readonly IpPrefix[] {
  return links
    .filter(({ name }) => name === ifname)
    .flatMap(({ addresses }) => addresses)
    .map(({ address, prefixLength }) => IpPrefix.containing(address, prefixLength));
}
