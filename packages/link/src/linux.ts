// SPDX-License-Identifier: Apache-2.0
/** Numbers and layouts of the Linux kernel that this package speaks with. Names are those of the C headers. */
import { IpAddress } from '@berth/core';

export const AF = { UNSPEC: 0, INET: 2, INET6: 10, NETLINK: 16, PACKET: 17 } as const;
export const SOCK = { DGRAM: 2, RAW: 3 } as const;
export const SOL = { SOCKET: 1, PACKET: 263 } as const;
export const SO = { RCVBUF: 8, PRIORITY: 12, BINDTODEVICE: 25 } as const;
/** TC_PRIO_CONTROL and TC_PRIO_INTERACTIVE (<linux/pkt_sched.h>): both are in the first band of pfifo_fast and prio. */
export const CONTROL_PRIORITY = 7;
export const INTERACTIVE_PRIORITY = 6;
export const PACKET_OPTION = { ADD_MEMBERSHIP: 1, STATISTICS: 6, IGNORE_OUTGOING: 23 } as const;
export const PACKET_MR_PROMISC = 1;
/**
 * ETH_P_ALL: a socket that is bound to it reads each frame before tc and netfilter see it at the ingress; one that is
 * bound to an EtherType gets what these leave (__netif_receive_skb_core in net/core/dev.c).
 */
export const ALL_PROTOCOLS = 3;
export const IPPROTO_IP = 0;
export const IPPROTO_IPV6 = 41;
export const IP_OPTION = { TOS: 1, TTL: 2 } as const;
export const IPV6_OPTION = {
  UNICAST_HOPS: 16,
  ADD_MEMBERSHIP: 20,
  DROP_MEMBERSHIP: 21,
  V6ONLY: 26,
  TCLASS: 67,
} as const;

/** sll_pkttype (packet(7)). */
export const PACKET_TYPES = ['host', 'broadcast', 'multicast', 'other-host', 'outgoing'] as const;
export type PacketType = (typeof PACKET_TYPES)[number];

/** Size of struct sockaddr_ll, in bytes. */
const SOCKADDR_LL_BYTES = 20;
/** Size of struct sockaddr_nl, in bytes. */
const SOCKADDR_NL_BYTES = 12;

/** Whether the machine's own byte order is little-endian; kernel structures have it. */
export const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** struct sockaddr_ll: which frames of which interface. Protocol is an EtherType. */
export function packetAddress(ifindex: number, protocol: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(SOCKADDR_LL_BYTES));
  view.setUint16(0, AF.PACKET, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(2, protocol);
  view.setInt32(4, ifindex, HOST_IS_LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

/** Reads interface and packet type of a received frame's struct sockaddr_ll. */
export function readPacketAddress(bytes: Uint8Array): { ifindex: number; packetType: PacketType } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    ifindex: view.getInt32(4, HOST_IS_LITTLE_ENDIAN),
    packetType: PACKET_TYPES[view.getUint8(10)] ?? 'other-host',
  };
}

/** struct packet_mreq that makes an interface promiscuous for as long as the socket is open. */
export function promiscuousMembership(ifindex: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setInt32(0, ifindex, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(4, PACKET_MR_PROMISC, HOST_IS_LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

/** struct ipv6_mreq: a group of 16 bytes on an interface. */
export function ipv6Membership(group: Uint8Array, ifindex: number): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set(group);
  new DataView(bytes.buffer).setInt32(16, ifindex, HOST_IS_LITTLE_ENDIAN);
  return bytes;
}

/** struct sockaddr_nl of a socket that hears these groups; the kernel chooses the port. */
export function netlinkAddress(groups: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(SOCKADDR_NL_BYTES));
  view.setUint16(0, AF.NETLINK, HOST_IS_LITTLE_ENDIAN);
  view.setUint32(8, groups, HOST_IS_LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

/** Size of struct sockaddr_in6, the longest of a datagram. */
export const SOCKET_ADDRESS_BYTES = 28;

/** struct sockaddr_in or sockaddr_in6, padded to the size of the longer. */
export function socketAddress(address: IpAddress, port: number): Uint8Array {
  const isV4 = address.family === 'IPv4';
  const bytes = new Uint8Array(SOCKET_ADDRESS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isV4 ? AF.INET : AF.INET6, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(2, port);
  bytes.set(address.toBytes(), isV4 ? 4 : 8);
  return bytes;
}

/** The address of a struct sockaddr_in or sockaddr_in6; undefined for any other. */
export function readSocketAddress(bytes: Uint8Array): IpAddress | undefined {
  const family = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint16(0, HOST_IS_LITTLE_ENDIAN);
  if (family === AF.INET) return IpAddress.fromBytes(bytes.subarray(4, 8));
  return family === AF.INET6 ? IpAddress.fromBytes(bytes.subarray(8, 24)) : undefined;
}
