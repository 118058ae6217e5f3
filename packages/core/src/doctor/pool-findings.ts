// SPDX-License-Identifier: Apache-2.0
/** Pools against the addresses that the cluster knows: those of nodes, pods and Services, and what strangers use. */
import type { AddressPool, PoolConfig } from '../config/pool-config.ts';
import type { AddressRecord } from '../ipam/address-record.ts';
import type { Occupant } from '../ipam/occupants.ts';
import { IpAddress, type IpFamily } from '../net/ip-address.ts';
import { IpPrefix } from '../net/ip-prefix.ts';
import { IpRange } from '../net/ip-range.ts';
import { allocatorOf, type ClusterFacts } from '../report/cluster-facts.ts';
import type { KubeNode } from '../report/objects.ts';
import { type Finding, findingOf } from './finding.ts';

/**
 * Node objects do not tell the mask of the LAN. Where no one else does either, what has as many bits in common with a
 * node counts as near.
 */
const ASSUMED_BITS: Readonly<Record<IpFamily, number>> = { IPv4: 24, IPv6: 64 };
/** Calico writes the address of the node with its mask. */
const CALICO_ADDRESSES = ['projectcalico.org/IPv4Address', 'projectcalico.org/IPv6Address'] as const;
/** A subnet that nodes are in. */
interface NodeNetwork {
  readonly prefix: IpPrefix;
  /** Whether its mask is a guess. */
  readonly isAssumed: boolean;
}

/** One stranger may be a mistake of his; that many in one pool look like a server that gives addresses. */
const DHCP_STRANGERS = 2;

/** Judges the pools of a configuration that is in force, or that is to be. */
export function poolFindings(facts: ClusterFacts, config: PoolConfig): Finding[] {
  const quarantined = allocatorOf(facts).table.quarantined();
  return config.pools.flatMap((pool) => [...far(facts, pool), ...held(facts, pool), ...dhcp(quarantined, pool)]);
}

function rangesOf({ addresses }: AddressPool, family?: IpFamily): IpRange[] {
  return addresses.map(({ range }) => range).filter((range) => family === undefined || range.family === family);
}

/** By the networks of the nodes. Where a VIP of the pool is announced, its owner knows better. */
function far(facts: ClusterFacts, pool: AddressPool): Finding[] {
  const networks = [...facts.nodes.values()].flatMap((node) => networksOf(node, facts));
  if (networks.length === 0) return [];
  return (['IPv4', 'IPv6'] as const).flatMap((family) => {
    const ranges = rangesOf(pool, family);
    if (ranges.length === 0 || isAnnouncedInside(facts, ranges)) return [];
    const isNear = networks.some(({ prefix }) => ranges.some((one) => one.overlaps(prefix.range)));
    if (isNear) return [];
    const about = networks.filter(({ prefix }) => prefix.family === family);
    const isKnown = about.every(({ isAssumed }) => !isAssumed);
    return [
      findingOf({
        ...{ kind: 'pool-far-from-nodes', severity: 'info', about: [pool.name, family], pools: [pool.name] },
        text: `pool ${pool.name}: ${textOf(pool, family)} ${isKnown ? 'lies' : 'seems to lie'} in no subnet of a node: ${whereNodesAre(about, family)}`,
        ...{ command: 'kubectl get nodes -o wide', page: 'docs/runbooks/outside-subnet.md' },
      }),
    ];
  });
}

function whereNodesAre(networks: readonly NodeNetwork[], family: IpFamily): string {
  if (networks.length === 0) return `no node has an ${family} address`;
  const subnets = uniq(networks.map(({ prefix }) => String(prefix))).join(', ');
  const isKnown = networks.every(({ isAssumed }) => !isAssumed);
  return `nodes are in ${subnets}${isKnown ? '' : ` (no one reports the mask: /${ASSUMED_BITS[family]} is assumed)`}`;
}

/**
 * By the word of the node's speaker and by what Calico writes; an address that neither knows has a mask that is
 * assumed.
 */
function networksOf(node: KubeNode, { reports }: ClusterFacts): NodeNetwork[] {
  const segments = reports.find((one) => one.node === node.metadata.name)?.state?.segments ?? [];
  const known = [
    ...segments.flatMap(({ subnets = [] }) => subnets),
    ...CALICO_ADDRESSES.flatMap((name) => prefixOf(node.metadata.annotations?.[name])),
  ];
  const own = (node.status?.addresses ?? []).flatMap(({ address }) => addressOf(address));
  const rest = own.filter((address) => !known.some((one) => one.contains(address)));
  return [
    ...known.map((prefix) => ({ prefix, isAssumed: false })),
    ...rest.map((address) => ({
      prefix: IpPrefix.containing(address, ASSUMED_BITS[address.family]),
      isAssumed: true,
    })),
  ];
}

function isAnnouncedInside({ reports }: ClusterFacts, ranges: readonly IpRange[]): boolean {
  const owned = reports.flatMap(({ state }) => state?.owned ?? []);
  return owned.some(({ vip, isOutside = false }) => !isOutside && ranges.some((range) => range.contains(vip)));
}

/** Addresses of nodes, pods and cluster IPs. What Services of others show is recognised by who wrote it. */
function held({ occupants }: ClusterFacts, pool: AddressPool): Finding[] {
  const inside = occupants.all.filter((one) => one.service === undefined && isInside(one, pool));
  const [first] = inside;
  if (first === undefined) return [];
  const more = inside.length === 1 ? '' : ` (and ${inside.length - 1} more)`;
  const isSingle = first.at instanceof IpAddress;
  return [
    findingOf({
      ...{ kind: 'pool-holds-addresses', severity: 'warning', about: [pool.name], pools: [pool.name] },
      text: isSingle
        ? `pool ${pool.name} holds ${first.at}, ${first.holder}${more}`
        : `pool ${pool.name} holds addresses ${first.holder}${more}`,
      nodes: uniq(inside.flatMap(({ node }) => node ?? [])),
      command: 'kubectl get nodes -o wide',
      page: 'docs/reference/configuration.md',
    }),
  ];
}

function isInside({ at }: Occupant, pool: AddressPool): boolean {
  const range = at instanceof IpAddress ? IpRange.single(at) : at;
  const isCut = pool.exclude.some((entry) => entry.range.contains(range.first) && entry.range.contains(range.last));
  return !isCut && rangesOf(pool).some((one) => one.overlaps(range));
}

/** Strangers that were seen on the wire are all that is known of a DHCP server; none is asked. */
function dhcp(quarantined: readonly AddressRecord[], pool: AddressPool): Finding[] {
  const ranges = rangesOf(pool);
  const strange = quarantined.filter(
    ({ address, quarantine }) => quarantine?.user === undefined && ranges.some((one) => one.contains(address)),
  );
  const macs = new Set(strange.map(({ quarantine }) => String(quarantine?.mac)));
  if (macs.size < DHCP_STRANGERS) return [];
  return [
    findingOf({
      ...{ kind: 'pool-of-dhcp', severity: 'warning', about: [pool.name], pools: [pool.name] },
      text: `pool ${pool.name} may lie in the range of a DHCP server: ${macs.size} other hosts use addresses of it`,
      ...{ command: 'kubectl berth pools', page: 'docs/runbooks/BerthAddressConflict.md' },
    }),
  ];
}

function textOf({ addresses }: AddressPool, family: IpFamily): string {
  return addresses
    .filter(({ range }) => range.family === family)
    .map(({ text }) => text)
    .join(' ');
}

function addressOf(text: string): IpAddress[] {
  const address = IpAddress.parse(text);
  return address.ok ? [address.value] : [];
}

function prefixOf(text: string | undefined): IpPrefix[] {
  const prefix = IpPrefix.parse(text ?? '');
  return prefix.ok ? [prefix.value] : [];
}

function uniq(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
