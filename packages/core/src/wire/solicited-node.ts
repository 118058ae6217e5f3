// SPDX-License-Identifier: Apache-2.0
/**
 * Solicited-node multicast groups (RFC 4291, 2.7.1) and their Ethernet form (RFC 2464, 7). Who answers for an IPv6
 * address must be a member of its group, or a switch that snoops MLD does not let the questions through.
 */
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { isMulticastV6 } from './ipv6.ts';

/** ff02::1:ff00:0/104. */
const GROUP_PREFIX = (0xff02n << 112n) | 0x1_ff00_0000n;
const PREFIX_BITS = 104n;
const LOW_24_BITS = 0xff_ffffn;

/**
 * The group of each address that was asked for, so that its text is made once: thousands of VIPs are looked at again
 * with each change.
 */
const KNOWN = new WeakMap<IpAddress, IpAddress>();

/** An address asked to be turned into a group that has none; a bug of the caller. */
export class GroupError extends Error {
  override readonly name = 'GroupError';
}

/** The group of an IPv6 address. Throws {@link GroupError} for IPv4. */
export function solicitedNodeGroup(address: IpAddress): IpAddress {
  if (address.family !== 'IPv6')
    throw new GroupError(`core: the ${address.family} address ${address} has no solicited-node group`);
  const known = KNOWN.get(address);
  if (known) return known;
  const group = IpAddress.of('IPv6', GROUP_PREFIX | (address.value & LOW_24_BITS));
  KNOWN.set(address, group);
  return group;
}

export function isSolicitedNodeGroup(address: IpAddress): boolean {
  const shift = 128n - PREFIX_BITS;
  return address.family === 'IPv6' && address.value >> shift === GROUP_PREFIX >> shift;
}

/**
 * The Ethernet address of an IPv6 group: 33:33 and the low 32 bits. Throws {@link GroupError} for what is not a group.
 */
export function multicastMac(group: IpAddress): MacAddress {
  if (!isMulticastV6(group)) throw new GroupError(`core: ${group} is not an IPv6 multicast group`);
  const mac = MacAddress.fromBytes(Uint8Array.of(0x33, 0x33, ...group.toBytes().subarray(12)));
  if (!mac) throw new GroupError(`core: ${group} has no Ethernet address`);
  return mac;
}

/**
 * The groups of these addresses, each once: two addresses with the same low 24 bits share one, which is joined once and
 * left when the last of them goes. IPv4 addresses are skipped, so the VIPs of a node can be passed as they are.
 */
export function solicitedNodeGroups(addresses: Iterable<IpAddress>): IpAddress[] {
  const groups = new Map<string, IpAddress>();
  for (const address of addresses) {
    if (address.family !== 'IPv6') continue;
    const group = solicitedNodeGroup(address);
    groups.set(String(group), group);
  }
  return [...groups.values()];
}
