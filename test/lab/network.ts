// SPDX-License-Identifier: Apache-2.0

// The lab's cables and switches: a namespace with one bridge per segment, a
// namespace for each host, a veth pair for each interface. No namespace has a
// default route; this machine has one address on segment 1 to reach the API
// server, and nothing is routed through it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AddressPlan, type Host, isNode, type LabShape } from './address-plan.ts';
import { run, tryRun } from './run.ts';

export interface LabNetwork {
  /** Name of the lab: its namespaces are berth-NAME-HOST. */
  readonly name: string;
  readonly shape: LabShape;
  readonly plan: AddressPlan;
}

const NAMESPACE_PREFIX = 'berth-';
const SWITCH = 'lan';

export function namespaceName(labName: string, host: string): string {
  return `${NAMESPACE_PREFIX}${labName}-${host}`;
}

/** The namespaces of a lab among those that exist; another lab's name that begins like ours is not taken for it. */
export function namespacesOf(labName: string, existing: readonly string[]): string[] {
  const prefix = namespaceName(labName, '');
  return existing.filter(
    (name) => name.startsWith(prefix) && /^(lan|cp|client|node-\d+)$/.test(name.slice(prefix.length)),
  );
}

export async function existingNamespaces(): Promise<string[]> {
  const listed: { name: string }[] = JSON.parse((await run(['ip', '-json', 'netns', 'list'])) || '[]');
  return listed.map((entry) => entry.name);
}

/** Name of the veth end in the machine's own namespace: `berth-0` for the lab with index 0. */
function rootLink(shape: LabShape): string {
  return `berth-${shape.index}`;
}

export function hasRootLink(shape: LabShape): boolean {
  return existsSync(join('/sys/class/net', rootLink(shape)));
}

/** Name of the switch side of a cable: `node-1` on segment 1, `node-1.2` on segment 2. */
export function switchPort(host: string, segment: number): string {
  return segment === 1 ? host : `${host}.${segment}`;
}

/** Builds the whole network. Wants none of it to exist. */
export async function buildNetwork(network: LabNetwork): Promise<void> {
  const { name, plan } = network;
  const names = [SWITCH, ...plan.hosts.map((host) => host.name)].map((host) => namespaceName(name, host));
  await batch(names.map((namespace) => `netns add ${namespace}`));
  await Promise.all(names.map(setForwarding));
  await batch(switchCommands(network), namespaceName(name, SWITCH));
  await Promise.all(plan.hosts.map((host) => batch(hostCommands(plan, host), namespaceName(name, host.name))));
  await plugInRoot(network);
}

/** Sets the switch side of a host's cables, so that the host sees its carrier go. */
export async function setCable(network: LabNetwork, host: Host, cable: CableChange): Promise<void> {
  const wanted = host.interfaces.filter((link) => cable.segment === undefined || link.segment === cable.segment);
  const commands = wanted.map((link) => `link set ${switchPort(host.name, link.segment)} ${cable.position}`);
  await batch(commands, namespaceName(network.name, SWITCH));
}

/** Whether a host's cable on segment 1 is plugged. */
export async function cablePosition(network: LabNetwork, host: Host): Promise<'up' | 'down'> {
  const argv = ['ip', '-netns', namespaceName(network.name, SWITCH), '-json', 'link', 'show', switchPort(host.name, 1)];
  const [link]: { flags: string[] }[] = JSON.parse(await run(argv));
  return link?.flags.includes('UP') ? 'up' : 'down';
}

export interface CableChange {
  readonly position: 'up' | 'down';
  /** Only the cable on this segment. @default all of them */
  readonly segment?: number;
}

/** Removes what exists of the network, in any state. */
export async function removeNetwork(labName: string): Promise<void> {
  const ours = namespacesOf(labName, await existingNamespaces());
  // The veth end in our own namespace goes with its peer, but only some time after the call.
  const links: { ifname: string; ifalias?: string }[] = JSON.parse(
    (await run(['ip', '-json', 'link', 'show'])) || '[]',
  );
  for (const link of links.filter((candidate) => candidate.ifalias === linkAlias(labName))) {
    await tryRun(['ip', 'link', 'delete', link.ifname]);
  }
  if (ours.length > 0) await batch(ours.map((namespace) => `netns delete ${namespace}`));
}

function switchCommands({ name, shape, plan }: LabNetwork): string[] {
  const segments = Array.from({ length: shape.segments }, (_, offset) => offset + 1);
  const bridges = segments.flatMap((segment) => [
    // No forward delay and no snooping: a plain switch that floods multicast at once.
    `link add lan-${segment} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
    `link set lan-${segment} up`,
  ]);
  const cables = plan.hosts.flatMap((host) =>
    host.interfaces.flatMap((link) => {
      const port = switchPort(host.name, link.segment);
      const peer = `name ${link.ifname} address ${link.mac} netns ${namespaceName(name, host.name)}`;
      return [`link add ${port} type veth peer ${peer}`, `link set ${port} master lan-${link.segment} up`];
    }),
  );
  return [...bridges, ...cables];
}

function hostCommands(plan: AddressPlan, host: Host): string[] {
  const links = host.interfaces.flatMap((link) => [
    `link set ${link.ifname} up`,
    ...link.cidrs.map((cidr) => `address add ${cidr} dev ${link.ifname} nodad`),
  ]);
  return ['link set lo up', ...links, ...podRoutes(plan, host), ...serviceRoutes(plan, host)];
}

/** Every host reaches every pod through the pod's node, as on a LAN with static routes. */
function podRoutes(plan: AddressPlan, host: Host): string[] {
  const others = plan.hosts.filter((other) => isNode(other) && other.name !== host.name);
  return others.flatMap((other) =>
    other.podRanges.map((range, position) => `route add ${range} via ${other.addresses[position]}`),
  );
}

/**
 * A local connect to a ClusterIP looks for a route before kube-proxy's rules rewrite it. The client has no ClusterIPs.
 */
function serviceRoutes(plan: AddressPlan, host: Host): string[] {
  return host.name === 'client' ? [] : plan.serviceRanges.map((range) => `route add ${range} dev eth0`);
}

async function plugInRoot({ name, shape, plan }: LabNetwork): Promise<void> {
  const link = rootLink(shape);
  const namespace = namespaceName(name, SWITCH);
  await batch([
    `link add ${link} type veth peer name root netns ${namespace}`,
    `link set ${link} alias ${linkAlias(name)}`,
    `link set ${link} up`,
    ...plan.rootCidrs.map((cidr) => `address add ${cidr} dev ${link} nodad`),
  ]);
  await batch(['link set root master lan-1 up'], namespace);
}

function linkAlias(labName: string): string {
  return `berth-lab:${labName}`;
}

async function setForwarding(namespace: string): Promise<void> {
  const settings = [
    'ipv4/ip_forward=1',
    'ipv6/conf/all/forwarding=1',
    // Addresses of the lab are unique by plan; waiting for that proof would cost a second each.
    'ipv6/conf/all/accept_dad=0',
    'ipv6/conf/default/accept_dad=0',
    'ipv4/conf/all/rp_filter=0',
    'ipv4/conf/default/rp_filter=0',
  ];
  const lines = settings.map((setting) => {
    const [path, value] = setting.split('=');
    return `echo ${value} > /proc/sys/net/${path}`;
  });
  await run(['sh', '-ec', lines.join('\n')], { namespace });
}

/** Runs ip(8) commands, in one namespace or (without one) in the machine's own. */
async function batch(commands: readonly string[], namespace?: string): Promise<void> {
  const target = namespace === undefined ? [] : ['-netns', namespace];
  await run(['ip', ...target, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}
