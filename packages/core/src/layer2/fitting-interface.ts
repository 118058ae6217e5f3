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
  /**
   * Whether its only IPv4 addresses are of 169.254.0.0/16 (RFC 3927) and it has no IPv6 address but link-local ones:
   * the cable to the board's controller, whatever its name, or a host that waits for its DHCP server.
   */
  readonly isLinkLocalOnly: boolean;
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
  | 'link-local-only'
  | 'no-broadcast'
  | 'no-link-local-address';

export type Fitness = { readonly fits: true } | { readonly fits: false; readonly reason: UnfitReason };

/**
 * Names that never stand for a LAN, as those who make them name them. Patterns match anywhere unless they are anchored.
 * Names that people give to bridges and bonds of their LAN are not among them: br0, vmbr0 (Proxmox), br-ex (OVN),
 * bond0.
 */
export const DEFAULT_EXCLUDED_INTERFACES: readonly string[] = [
  '^lo$',
  // Pods' ends of cables: plain, AWS VPC CNI, Azure, GKE, Calico, Cilium, Weave.
  ...['^veth', '^eni[0-9a-f]{11}$', '^azv[0-9a-f]{11}$', '^gke[0-9a-f]{11}$', '^cali', '^lxc', '^vethwe'],
  // Bridges and gateways of container networks.
  ...[
    '^cni',
    '^cbr0$',
    '^docker',
    '^br-[0-9a-f]{12}$',
    '^podman',
    '^nerdctl',
    '^flannel',
    '^cilium',
    '^weave$',
    '^datapath$',
  ],
  ...['^antrea-', '^ovn0$', '^ovn-k8s-', '^mirror0$', '^kube-', '^nodelocaldns', '^dummy', '^bpf(in|out)\\.cali$'],
  // Open vSwitch's own, which hold no address of the LAN.
  ...['^ovs-', '^br-int$', '^br-tun$', '^br-local$'],
  // Bridges and taps of virtual machines on this host, behind its own address translation.
  ...[
    '^virbr',
    '^lxdbr',
    '^lxcbr',
    '^incusbr',
    '^vmnet',
    '^vboxnet',
    '^vnet',
    '^tap',
    '^macvtap',
    '^fwbr',
    '^fwpr',
    '^fwln',
  ],
  // Tunnels and overlays.
  ...[
    '^tun',
    '^vxlan',
    '^vx-submariner$',
    '^genev',
    '^gre(tap)?[0-9]',
    '^gre_sys',
    '^ip6(gre|tnl)',
    '^erspan',
    '^sit[0-9]',
    '^ipip',
  ],
  ...['^wg', '^wireguard', '^tailscale', '^ts[0-9]+$', '^zt', '^nebula', '^netmaker', '^nm-', '^wt[0-9]+$', '^utun'],
  // The cable to the board's own controller (iDRAC, XCC, iLO), and queues that lead nowhere.
  ...['^idrac', '^usb[0-9]+$', '^bmc', '^ifb', '^nlmon', '^teql', '^can[0-9]'],
];

/** Tells whether an interface has one of the names that are meant. */
export type NamePattern = Pick<RegExp, 'test'>;

/** Stands for {@link DEFAULT_EXCLUDED_INTERFACES} in a list of patterns. */
const DEFAULT_ENTRY = 'default';
/**
 * An entry that begins so names interfaces that are used all the same. No name of an interface and no sensible pattern
 * begins so.
 */
const KEEP = '!';

/** Patterns of the interfaces that a list excludes, or the entries that are no regular expressions. */
export type ExcludedInterfaces =
  | { readonly ok: true; readonly patterns: readonly NamePattern[] }
  | { readonly ok: false; readonly invalid: readonly string[] };

/**
 * Reads a list of excluded interfaces: regular expressions; the word `default` for {@link DEFAULT_EXCLUDED_INTERFACES};
 * and expressions after a `!`, whose interfaces are used though another entry excludes them. A list of nothing but the
 * latter is about the default.
 */
export function readExcludedInterfaces(entries: readonly string[]): ExcludedInterfaces {
  const isKept = (entry: string) => entry.startsWith(KEEP);
  const named = entries.filter((entry) => !isKept(entry));
  const sources = (named.length === 0 ? [DEFAULT_ENTRY] : named).flatMap((entry) =>
    entry === DEFAULT_ENTRY ? DEFAULT_EXCLUDED_INTERFACES : [entry],
  );
  const kept = entries.filter(isKept).map((entry) => entry.slice(KEEP.length));
  const invalid = [...sources, ...kept].filter((source) => patternOf(source) === undefined);
  if (invalid.length > 0) return { ok: false, invalid };
  const [excluded, exceptions] = [sources, kept].map((all) => all.flatMap((source) => patternOf(source) ?? []));
  if (!exceptions?.length) return { ok: true, patterns: excluded ?? [] };
  const isException = (name: string) => exceptions.some((pattern) => pattern.test(name));
  const patterns = excluded?.map((pattern) => ({ test: (name: string) => pattern.test(name) && !isException(name) }));
  return { ok: true, patterns: patterns ?? [] };
}

function patternOf(source: string): RegExp | undefined {
  try {
    return source === '' ? undefined : new RegExp(source);
  } catch {
    return undefined;
  }
}

/**
 * Says whether VIPs of a family are answered on an interface. A member of a bridge or bond is not used: its master is.
 */
export function fitness(facts: InterfaceFacts, family: IpFamily, excluded: readonly NamePattern[]): Fitness {
  if (facts.isLoopback) return unfit('loopback');
  if (excluded.some((pattern) => pattern.test(facts.name))) return unfit('excluded-by-name');
  if (!facts.isEthernet) return unfit('not-ethernet');
  if (facts.masterIndex !== undefined) return unfit('member-of-master');
  if (!facts.isUp) return unfit('down');
  if (!facts.hasCarrier) return unfit('no-carrier');
  if (facts.isNoArp) return unfit('no-address-resolution');
  if (facts.isLinkLocalOnly) return unfit('link-local-only');
  if (family === 'IPv4' && !facts.hasBroadcast) return unfit('no-broadcast');
  if (family === 'IPv6' && !facts.hasLinkLocalV6) return unfit('no-link-local-address');
  return { fits: true };
}

function unfit(reason: UnfitReason): Fitness {
  return { fits: false, reason };
}
