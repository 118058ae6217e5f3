// SPDX-License-Identifier: Apache-2.0

// Every address of a lab, computed from its index alone: two labs on one
// machine never share a LAN subnet, and a person who reads an address knows
// whose it is. Subnet number = 4 x index + segment, never 0: IPv6 text must not
// hold a group that its canonical form (RFC 5952) leaves out.
//
//   172.30.<subnet>.0/24   fd00:30:<subnet>::/64   a segment of the LAN
//     .1 the machine itself   .2 cp   .3 client   .11 node-1   .12 node-2 ...
//     .200-.250 and ::200-::250 are left free for address pools
//   10.244.<node>.0/24     fd00:244:0:<node>::/64  the pods of a node
//   10.96.0.0/16           fd00:10:96::/112        ClusterIPs

export type Family = 'ipv4' | 'ipv6' | 'dual';

export const MAX_SEGMENTS = 4;
export const MAX_NODES = 60;
/** Labs on one machine: with 4 segments each they fill the third byte of 172.30.0.0/16. */
export const MAX_LABS = 63;

export interface LabShape {
  /** Which lab of this machine, 0 .. MAX_LABS - 1. */
  readonly index: number;
  /** Cluster nodes, 0 .. MAX_NODES; none means a control plane alone. */
  readonly nodes: number;
  readonly family: Family;
  /** Layer-2 segments, 1 .. MAX_SEGMENTS; each host has one interface on each. */
  readonly segments: number;
}

export interface Interface {
  /** eth0 on segment 1, eth1 on segment 2 ... */
  readonly ifname: string;
  /** Segment number, from 1. */
  readonly segment: number;
  readonly mac: string;
  /** With prefix length, IPv4 first. */
  readonly cidrs: readonly string[];
}

export interface Host {
  readonly name: string;
  readonly interfaces: readonly Interface[];
  /** Addresses on segment 1 without prefix length, IPv4 first. */
  readonly addresses: readonly string[];
  /** Ranges of the node's pods; empty for a host that is no node. */
  readonly podRanges: readonly string[];
}

export interface AddressPlan {
  /** The subnets of segment 1, then 2 ...; each IPv4 first. */
  readonly lans: readonly (readonly string[])[];
  /** Where pools may take addresses from on segment 1, as ranges. */
  readonly pools: readonly string[];
  /** The machine's own addresses on segment 1, with prefix length. */
  readonly rootCidrs: readonly string[];
  readonly hosts: readonly Host[];
  readonly podRanges: readonly string[];
  readonly serviceRanges: readonly string[];
  readonly dnsAddresses: readonly string[];
}

const POD_RANGES = { ipv4: '10.244.0.0/16', ipv6: 'fd00:244::/48' } as const;
const SERVICE_RANGES = { ipv4: '10.96.0.0/16', ipv6: 'fd00:10:96::/112' } as const;
const DNS_ADDRESSES = { ipv4: '10.96.0.10', ipv6: 'fd00:10:96::a' } as const;

const ROOT_NUMBER = 1;
const CONTROL_PLANE_NUMBER = 2;
const CLIENT_NUMBER = 3;
const FIRST_NODE_NUMBER = 11;

/** Returns all addresses of a lab of this shape. Throws on a shape out of range. */
export function addressPlan(shape: LabShape): AddressPlan {
  assertInRange('index', shape.index, [0, MAX_LABS - 1]);
  assertInRange('nodes', shape.nodes, [0, MAX_NODES]);
  assertInRange('segments', shape.segments, [1, MAX_SEGMENTS]);
  const segments = Array.from({ length: shape.segments }, (_, offset) => offset + 1);
  const first = subnetNumber(shape, 1);
  return {
    lans: segments.map((segment) => lanOf(shape, segment)),
    pools: pick(shape.family, {
      ipv4: `172.30.${first}.200-172.30.${first}.250`,
      ipv6: `fd00:30:${first}::200-fd00:30:${first}::250`,
    }),
    rootCidrs: hostCidrs(shape, 1, ROOT_NUMBER),
    hosts: [
      host(shape, 'cp', CONTROL_PLANE_NUMBER),
      ...Array.from({ length: shape.nodes }, (_, offset) => node(shape, offset + 1)),
      host(shape, 'client', CLIENT_NUMBER),
    ],
    podRanges: pick(shape.family, POD_RANGES),
    serviceRanges: pick(shape.family, SERVICE_RANGES),
    dnsAddresses: pick(shape.family, DNS_ADDRESSES),
  };
}

/** The subnets of one segment, IPv4 first. */
export function lanOf(shape: LabShape, segment: number): string[] {
  const subnet = subnetNumber(shape, segment);
  return pick(shape.family, { ipv4: `172.30.${subnet}.0/24`, ipv6: `fd00:30:${subnet}::/64` });
}

/** The host of that name. Throws when the lab has none. */
export function hostNamed(plan: AddressPlan, name: string): Host {
  const found = plan.hosts.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  const known = plan.hosts.map((candidate) => candidate.name).join(', ');
  throw new Error(`lab: host ${JSON.stringify(name)}: not in this lab, which has ${known}`);
}

export function isNode(candidate: Host): boolean {
  return candidate.podRanges.length > 0;
}

function node(shape: LabShape, ordinal: number): Host {
  return {
    ...host(shape, `node-${ordinal}`, FIRST_NODE_NUMBER + ordinal - 1),
    podRanges: pick(shape.family, { ipv4: `10.244.${ordinal}.0/24`, ipv6: `fd00:244:0:${ordinal}::/64` }),
  };
}

function host(shape: LabShape, name: string, number: number): Host {
  const interfaces = Array.from({ length: shape.segments }, (_, offset): Interface => {
    const subnet = subnetNumber(shape, offset + 1);
    return {
      ifname: `eth${offset}`,
      segment: offset + 1,
      // Locally administered; the last two bytes are subnet and host, so that a trace reads itself.
      mac: `02:be:00:00:${hexByte(subnet)}:${hexByte(number)}`,
      cidrs: hostCidrs(shape, offset + 1, number),
    };
  });
  const addresses = hostCidrs(shape, 1, number).map((cidr) => cidr.slice(0, cidr.indexOf('/')));
  return { name, interfaces, addresses, podRanges: [] };
}

function hostCidrs(shape: LabShape, segment: number, number: number): string[] {
  const subnet = subnetNumber(shape, segment);
  return pick(shape.family, { ipv4: `172.30.${subnet}.${number}/24`, ipv6: `fd00:30:${subnet}::${number}/64` });
}

function subnetNumber(shape: LabShape, segment: number): number {
  return MAX_SEGMENTS * shape.index + segment;
}

function pick(family: Family, values: Readonly<Record<'ipv4' | 'ipv6', string>>): string[] {
  if (family === 'dual') return [values.ipv4, values.ipv6];
  return [values[family]];
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function assertInRange(what: string, value: number, [low, high]: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new Error(`lab: ${what}: got ${value}, want a whole number from ${low} to ${high}`);
}
