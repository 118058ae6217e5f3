// SPDX-License-Identifier: Apache-2.0
/** Whether a VIP lies in a subnet of the interfaces on which it is announced. Elsewhere clients ask a router for it, which does not know it. Pure. */
import { IpAddress, IpPrefix } from '@berth/core';
import type { LinkState } from '@berth/link';

/** `interfaces` are names. */
export function isInSubnet(vip: string, interfaces: readonly string[], links: readonly LinkState[]): boolean {
  const parsed = IpAddress.parse(vip);
  if (!parsed.ok) return false;
  return links
    .filter(({ name }) => interfaces.includes(name))
    .flatMap(({ addresses }) => addresses)
    .some(({ address, prefixLength }) => IpPrefix.containing(address, prefixLength).contains(parsed.value));
}
