// SPDX-License-Identifier: Apache-2.0
/**
 * Addresses that somebody uses who is no Service: a node found them taken before they were ever answered for. No one
 * gets them until no node reports it any more for a while, or somebody releases them.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import type { AddressUser } from '../node-state/node-state.ts';

/** What was seen first. */
export interface Quarantine {
  /** Who answered; zero where the address belongs to a node or a gateway that was never asked. */
  readonly mac: MacAddress;
  /** The node that saw it. */
  readonly node: string;
  readonly interface: string;
  /** Milliseconds since the epoch, by the controller's clock. */
  readonly sinceMs: number;
  /** Who uses it where that is no stranger: the node itself, or its gateway. */
  readonly user?: AddressUser;
}

/** Most addresses in quarantine: a router that answers for everything must not fill the ledger. */
export const MAX_QUARANTINED = 1000;

/**
 * So long after the last report an address leaves quarantine by itself, in milliseconds. Nodes look again every few
 * minutes.
 */
export const QUARANTINE_MS = 10 * 60_000;

/**
 * `192.0.2.5 is used by 00:00:5e:00:53:01, seen by node a on eth0`, or `192.0.2.5 is an address of node a itself, on
 * eth0`.
 */
export function describeQuarantine(address: IpAddress, quarantine: Quarantine): string {
  const { mac, node, interface: ifname } = quarantine;
  if (quarantine.user === 'node') return `${address} is an address of node ${node} itself, on ${ifname}`;
  if (quarantine.user === 'gateway') return `${address} is the gateway of node ${node}, on ${ifname}`;
  if (quarantine.user === 'subnet')
    return `${address} is an end of a subnet of node ${node}, on ${ifname}: its network or broadcast address`;
  const user = mac.isZero ? 'a node or gateway' : mac.toString();
  return `${address} is used by ${user}, seen by node ${node} on ${ifname}`;
}
