// SPDX-License-Identifier: Apache-2.0
/**
 * The fixed header of IPv6 (RFC 8200), the pseudo-header of its checksums, and the address ranges that NDP asks about.
 */
import { IpAddress } from '../net/ip-address.ts';

/** Length of the fixed header, in bytes. */
export const IPV6_HEADER_BYTES = 40;

/** Next Header of ICMPv6 (RFC 4443). */
export const NEXT_HEADER_ICMPV6 = 58;

/** All nodes on the link, `ff02::1` (RFC 4291, 2.7.1). */
export const ALL_NODES = IpAddress.of('IPv6', (0xff02n << 112n) | 1n);

/** `::`, the source of a node that has no address yet (RFC 4291, 2.5.2). */
export const UNSPECIFIED_V6 = IpAddress.of('IPv6', 0n);

const ADDRESS_BYTES = 16;
const PAYLOAD_LENGTH_OFFSET = 4;
const NEXT_HEADER_OFFSET = 6;
const HOP_LIMIT_OFFSET = 7;
const SOURCE_OFFSET = 8;
const DESTINATION_OFFSET = SOURCE_OFFSET + ADDRESS_BYTES;
const VERSION = 6;

/** One packet. Traffic class and flow label are not looked at, and are zero in what is encoded. */
export interface Ipv6Packet {
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** As many bytes as Payload Length says, a view; padding of the frame is cut off. */
  readonly payload: Uint8Array;
}

/** Why bytes are not an IPv6 packet. */
export type Ipv6DropReason = 'truncated' | 'ip-version';

export type Ipv6Decoded =
  | { readonly ok: true; readonly packet: Ipv6Packet }
  | { readonly ok: false; readonly reason: Ipv6DropReason };

/** The packet as bytes, a fresh copy. */
export function encodeIpv6(packet: Ipv6Packet): Uint8Array {
  const bytes = new Uint8Array(IPV6_HEADER_BYTES + packet.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION << 4);
  view.setUint16(PAYLOAD_LENGTH_OFFSET, packet.payload.length);
  view.setUint8(NEXT_HEADER_OFFSET, packet.nextHeader);
  view.setUint8(HOP_LIMIT_OFFSET, packet.hopLimit);
  bytes.set(packet.source.toBytes(), SOURCE_OFFSET);
  bytes.set(packet.destination.toBytes(), DESTINATION_OFFSET);
  bytes.set(packet.payload, IPV6_HEADER_BYTES);
  return bytes;
}

/** Reads the payload of a frame. Refused: a header or payload that ends early, and another version. */
export function decodeIpv6(bytes: Uint8Array): Ipv6Decoded {
  const source = IpAddress.fromBytes(bytes.subarray(SOURCE_OFFSET, DESTINATION_OFFSET));
  const destination = IpAddress.fromBytes(bytes.subarray(DESTINATION_OFFSET, IPV6_HEADER_BYTES));
  if (bytes.length < IPV6_HEADER_BYTES || !source || !destination) return { ok: false, reason: 'truncated' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint8(0) >> 4 !== VERSION) return { ok: false, reason: 'ip-version' };
  const end = IPV6_HEADER_BYTES + view.getUint16(PAYLOAD_LENGTH_OFFSET);
  if (bytes.length < end) return { ok: false, reason: 'truncated' };
  const payload = bytes.subarray(IPV6_HEADER_BYTES, end);
  const nextHeader = view.getUint8(NEXT_HEADER_OFFSET);
  return { ok: true, packet: { nextHeader, hopLimit: view.getUint8(HOP_LIMIT_OFFSET), source, destination, payload } };
}

/** The 40 bytes that checksums of upper layers begin with (RFC 8200, 8.1). */
export function pseudoHeader(packet: Omit<Ipv6Packet, 'hopLimit'>): Uint8Array {
  const bytes = new Uint8Array(IPV6_HEADER_BYTES);
  bytes.set(packet.source.toBytes(), 0);
  bytes.set(packet.destination.toBytes(), ADDRESS_BYTES);
  new DataView(bytes.buffer).setUint32(2 * ADDRESS_BYTES, packet.payload.length);
  bytes[IPV6_HEADER_BYTES - 1] = packet.nextHeader;
  return bytes;
}

/** Whether the address is `::`. */
export function isUnspecifiedV6(address: IpAddress): boolean {
  return address.equals(UNSPECIFIED_V6);
}

/** Whether the address is in ff00::/8. */
export function isMulticastV6(address: IpAddress): boolean {
  return address.family === 'IPv6' && address.value >> 120n === 0xffn;
}

/** Whether the address is in ::ffff:0:0/96, which never is on a wire as an IPv6 address (RFC 4291, 2.5.5.2). */
export function isIpv4Mapped(address: IpAddress): boolean {
  return address.family === 'IPv6' && address.value >> 32n === 0xffffn;
}
