// SPDX-License-Identifier: Apache-2.0
/** Which interfaces of a node VIPs are answered on: those that a frame for the host really arrives on. */
import type { IpFamily } from '../net/ip-address.ts';

/** What is known about an interface; a structural part of what packages/link reports. */
export interface InterfaceFacts {
  readonly name: string;
  readonly isUp: boolean;
  /** Whether the cable is in (operational state up or unknown, as some drivers do not tell). */
  readonly hasCarrier: boolean;
  readonly isLoopback: boolean;
  readonly hasBroadcast: boolean;
  /** Whether the interface does no address resolution (NOARP). */
  readonly isNoArp: boolean;
  /** Whether it is Ethernet by its hardware type. */
  readonly isEthernet: boolean;
  /** Index of the bridge or bond that it is a member of. */
  readonly masterIndex?: number | undefined;
  /** Whether it has an IPv6 link-local address that passed duplicate detection. */
  readonly hasLinkLocalV6: boolean;
}

/** Why an interface is not used, in the order in which the reasons are looked at. */
export type UnfitReason =
  | 'loopback'
  | 'excluded-by-name'
  | 'not-ethernet'
  | 'member-of-master'
  | 'down'
  | 'no-carrier'
  | 'no-address-resolution'
  | 'no-broadcast'
  | 'no-link-local-address';

export type Fitness = { readonly fits: true } | { readonly fits: false; readonly reason: UnfitReason };

/** Names that container networks use on the node's own side. Patterns match anywhere unless they are anchored. */
export const DEFAULT_EXCLUDED_INTERFACES: readonly string[] = [
  '^lo$',
  '^veth',
  '^cni',
  '^docker',
  '^br-[0-9a-f]{12}$',
  '^podman',
  '^cali',
  '^tunl',
  '^vxlan',
  '^flannel',
  '^cilium',
  '^lxc',
  '^kube-',
  '^nodelocaldns',
  '^virbr',
  '^dummy',
  '^wg',
  '^tun',
  '^tailscale',
];

/** Says whether VIPs of a family are answered on an interface. A member of a bridge or bond is not used: its master is. */
export function fitness(facts: InterfaceFacts, family: IpFamily, excluded: readonly RegExp[]): Fitness {
  if (facts.isLoopback) return unfit('loopback');
  if (excluded.some((pattern) => pattern.test(facts.name))) return unfit('excluded-by-name');
  if (!facts.isEthernet) return unfit('not-ethernet');
  if (facts.masterIndex !== undefined) return unfit('member-of-master');
  if (!facts.isUp) return unfit('down');
  if (!facts.hasCarrier) return unfit('no-carrier');
  if (facts.isNoArp) return unfit('no-address-resolution');
  if (family === 'IPv4' && !facts.hasBroadcast) return unfit('no-broadcast');
  if (family === 'IPv6' && !facts.hasLinkLocalV6) return unfit('no-link-local-address');
  return { fits: true };
}

function unfit(reason: UnfitReason): Fitness {
  return { fits: false, reason };
}
