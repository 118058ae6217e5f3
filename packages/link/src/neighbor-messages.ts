// SPDX-License-Identifier: Apache-2.0
/** Messages about neighbours (ARP and NDP tables) and default routes (rtnetlink(7)) as values. */
import { IpAddress, MacAddress } from '@berth/core';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';
import { aligned, decodeNetlink, encodeDumpRequest, readAttributes, readUint32, viewOf } from './netlink-message.ts';

/** Sizes of struct ndmsg, rtmsg and rtnexthop, in bytes. */
const NEIGHBOR_BYTES = 12;
const ROUTE_BYTES = 12;
const NEXT_HOP_BYTES = 8;

const RTM = { NEWROUTE: 24, GETROUTE: 26, NEWNEIGH: 28, GETNEIGH: 30 } as const;
const NDA = { DST: 1, LLADDR: 2 } as const;
const RTA = { OIF: 4, GATEWAY: 5, MULTIPATH: 9 } as const;
const RTN_UNICAST = 1;
/** States in which the MAC address is known: reachable, stale, delay, probe, permanent (NUD_*). */
const NUD_KNOWN = 0x02 | 0x04 | 0x08 | 0x10 | 0x80;

/** An entry of the kernel's ARP or NDP table with a MAC address. */
export interface Neighbor {
  readonly ifindex: number;
  readonly ip: IpAddress;
  readonly mac: MacAddress;
}

/** The next hop of a default route. */
export interface Gateway {
  readonly ifindex: number;
  readonly ip: IpAddress;
}

export type NeighborMessage =
  | { readonly type: 'neighbor'; readonly neighbor: Neighbor }
  | { readonly type: 'gateway'; readonly gateway: Gateway }
  | { readonly type: 'done' }
  | { readonly type: 'interrupted' }
  | { readonly type: 'error'; readonly errno: number };

/** A request for all neighbours, or for all routes. */
export function encodeNeighborDump(what: 'neighbors' | 'routes'): Uint8Array {
  return what === 'neighbors'
    ? encodeDumpRequest(RTM.GETNEIGH, NEIGHBOR_BYTES)
    : encodeDumpRequest(RTM.GETROUTE, ROUTE_BYTES);
}

/** Reads all messages of a datagram; neighbours without a MAC address and routes that are no default are left out. */
export function decodeNeighborMessages(datagram: Uint8Array): NeighborMessage[] {
  return decodeNetlink(datagram).flatMap((message): NeighborMessage[] => {
    if (message.kind === 'done' || message.kind === 'interrupted') return [{ type: message.kind }];
    if (message.kind === 'error') return [{ type: 'error', errno: message.errno }];
    if (message.type === RTM.NEWNEIGH) return decodeNeighbor(message.body);
    return message.type === RTM.NEWROUTE ? decodeRoute(message.body) : [];
  });
}

function decodeNeighbor(body: Uint8Array): NeighborMessage[] {
  if (body.length < NEIGHBOR_BYTES) return [];
  const view = viewOf(body);
  const attributes = readAttributes(body.subarray(NEIGHBOR_BYTES));
  const ip = IpAddress.fromBytes(attributes.get(NDA.DST) ?? new Uint8Array());
  const mac = MacAddress.fromBytes(attributes.get(NDA.LLADDR) ?? new Uint8Array());
  const isKnown = (view.getUint16(8, HOST_IS_LITTLE_ENDIAN) & NUD_KNOWN) !== 0;
  if (!ip || !mac || !isKnown || mac.isZero || mac.isMulticast) return [];
  return [{ type: 'neighbor', neighbor: { ifindex: view.getInt32(4, HOST_IS_LITTLE_ENDIAN), ip, mac } }];
}

function decodeRoute(body: Uint8Array): NeighborMessage[] {
  if (body.length < ROUTE_BYTES) return [];
  const [, destinationBits] = body;
  const type = body[7];
  if (destinationBits !== 0 || type !== RTN_UNICAST) return [];
  const attributes = readAttributes(body.subarray(ROUTE_BYTES));
  const single = gatewayOf(readUint32(attributes.get(RTA.OIF)), attributes);
  return [...single, ...nextHopsOf(attributes.get(RTA.MULTIPATH) ?? new Uint8Array())];
}

// Each has a struct rtnexthop and then attributes of its own.
function nextHopsOf(bytes: Uint8Array): NeighborMessage[] {
  const hops: NeighborMessage[] = [];
  for (let offset = 0; offset + NEXT_HOP_BYTES <= bytes.length; ) {
    const view = viewOf(bytes.subarray(offset));
    const length = view.getUint16(0, HOST_IS_LITTLE_ENDIAN);
    if (length < NEXT_HOP_BYTES || offset + length > bytes.length) break;
    const attributes = readAttributes(bytes.subarray(offset + NEXT_HOP_BYTES, offset + length));
    hops.push(...gatewayOf(view.getInt32(4, HOST_IS_LITTLE_ENDIAN), attributes));
    offset += aligned(length);
  }
  return hops;
}

function gatewayOf(ifindex: number | undefined, attributes: ReadonlyMap<number, Uint8Array>): NeighborMessage[] {
  const ip = IpAddress.fromBytes(attributes.get(RTA.GATEWAY) ?? new Uint8Array());
  return ip && ifindex !== undefined ? [{ type: 'gateway', gateway: { ifindex, ip } }] : [];
}
