// SPDX-License-Identifier: Apache-2.0
/**
 * Which node of the cluster a MAC address belongs to, where no heartbeat says so. The kernel's neighbours tell it of
 * nodes that this one talks to; else the station itself is asked, alone, for the address of each node: a host answers
 * for all of its IPv4 addresses on any interface.
 */
import type { IpAddress, MacAddress } from '@berth/core';
import type { Node } from '@berth/kube';
import { Inquiry, type InquiryOptions, type LinkAddress, type Neighbor, readNeighbors, sourceFor } from '@berth/link';
import type { Clock } from '@berth/runtime';
import { addressesOf } from './unheard-nodes.ts';

/** How long the station has to answer, in milliseconds. */
const ANSWER_MS = 200;
/** Addresses that are asked for at most: as many nodes as a segment may have members. */
const MOST_ASKED = 800;

export interface IdentifyOptions {
  readonly clock: Clock;
  readonly ifindex: number;
  /** MAC address and addresses of the interface. */
  readonly mac: MacAddress;
  readonly addresses: readonly LinkAddress[];
  /** Default: the kernel's. */
  readonly neighbors?: () => Promise<readonly Pick<Neighbor, 'ip' | 'mac'>[]>;
  /** Default: a packet socket. */
  readonly openInquiry?: (options: InquiryOptions) => Pick<Inquiry, 'ask' | 'close'>;
}

/** The name of the node, or undefined. Never rejects. */
export async function nodeWithMac(
  mac: MacAddress,
  nodes: readonly Node[],
  options: IdentifyOptions,
): Promise<string | undefined> {
  const owners = new Map(nodes.flatMap((node) => addressesOf([node]).map((ip) => [String(ip), node.metadata.name])));
  const { neighbors = kernelNeighbors } = options;
  for (const one of await neighbors()) {
    const node = owners.get(String(one.ip));
    if (node !== undefined && one.mac.equals(mac)) return node;
  }
  const answered = await answersOf(mac, addressesOf(nodes).slice(0, MOST_ASKED), options);
  const names = new Set(answered.map((ip) => owners.get(String(ip))));
  const [name] = names;
  // Who answers for several nodes is none of them: a router with proxy ARP.
  return names.size === 1 ? name : undefined;
}

// Without the kernel's word the wire is asked.
async function kernelNeighbors(): Promise<readonly Neighbor[]> {
  try {
    return (await readNeighbors()).neighbors;
  } catch {
    return [];
  }
}

async function answersOf(
  mac: MacAddress,
  targets: readonly IpAddress[],
  { clock, ifindex, mac: own, addresses, openInquiry = (options) => new Inquiry(options) }: IdentifyOptions,
): Promise<readonly IpAddress[]> {
  const answered: IpAddress[] = [];
  const inquiry = openInquiry({
    ...{ ifindex, mac: own, clock },
    from: (target) => sourceFor(addresses, target),
    onAnswer: (address, station) => {
      if (station.equals(mac)) answered.push(address);
    },
    // What cannot be asked is not answered either.
    onFailed: () => {},
  });
  for (const target of targets) inquiry.ask({ target, stations: [mac], audience: 'stations' });
  await new Promise<void>((resolve) => clock.after(ANSWER_MS, resolve));
  inquiry.close();
  return answered;
}
