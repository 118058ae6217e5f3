// SPDX-License-Identifier: Apache-2.0
/**
 * Neighbor solicitations and advertisements (RFC 4861, 4.3 and 4.4), with the checks of 7.1.1 and 7.1.2, over Ethernet.
 */
import { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import { ETHER_TYPE, encodeEthernet } from './ethernet.ts';
import { internetChecksum } from './internet-checksum.ts';
import {
  encodeIpv6,
  type Ipv6Packet,
  isIpv4Mapped,
  isMulticastV6,
  isUnspecifiedV6,
  NEXT_HEADER_ICMPV6,
  pseudoHeader,
} from './ipv6.ts';
import { decodeNdpOptions, encodeLinkLayerOption, type NdpOptionDropReason } from './ndp-option.ts';
import { isSolicitedNodeGroup, multicastMac } from './solicited-node.ts';

/** ICMPv6 types (RFC 4861, 4.3 and 4.4). */
export const NDP_TYPE = { NEIGHBOR_SOLICITATION: 135, NEIGHBOR_ADVERTISEMENT: 136 } as const;

/** The Hop Limit that proves that no router has passed the packet on (RFC 4861, 3.1). */
export const NDP_HOP_LIMIT = 255;

/** Type, code, checksum, 4 bytes of flags or reserved, target address; options follow. In bytes. */
export const NDP_FIXED_BYTES = 24;

/**
 * Longest message that is read, in bytes: room for 12 options of the shortest kind, where hosts send one or two. The
 * RFC has no limit; this one bounds the work per frame, in the kernel too.
 */
export const NDP_LONGEST_BYTES = 120;

const CODE_OFFSET = 1;
const CHECKSUM_OFFSET = 2;
const FLAGS_OFFSET = 4;
const TARGET_OFFSET = 8;
const FLAG = { ROUTER: 0x80, SOLICITED: 0x40, OVERRIDE: 0x20 } as const;

/** Asks who has `targetAddress`. From `::` it is the question of duplicate address detection (RFC 4862, 5.4.2). */
export interface NeighborSolicitation {
  readonly type: typeof NDP_TYPE.NEIGHBOR_SOLICITATION;
  readonly targetAddress: IpAddress;
  readonly sourceLinkLayerAddr?: MacAddress | undefined;
}

/** Says that `targetAddress` is at `targetLinkLayerAddr`. */
export interface NeighborAdvertisement {
  readonly type: typeof NDP_TYPE.NEIGHBOR_ADVERTISEMENT;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  readonly targetAddress: IpAddress;
  readonly targetLinkLayerAddr?: MacAddress | undefined;
}

export type NdpMessage = NeighborSolicitation | NeighborAdvertisement;

/** A message with the addresses of the packet that carries it. */
export interface NdpPacket {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly message: NdpMessage;
}

/** Why a packet is not a message that may be acted upon, in the order in which they are looked at. */
export type NdpDropReason =
  | 'next-header'
  | 'truncated'
  | 'icmpv6-type'
  | 'hop-limit'
  | 'oversized'
  | 'code'
  | 'checksum'
  | 'multicast-target'
  | 'mapped-target'
  | NdpOptionDropReason
  /** From a group, which no one can be answered at. */
  | 'multicast-source'
  /** From `::`, yet not to a solicited-node group, or with a source link-layer address. */
  | 'unspecified-source'
  /** An advertisement to a group that says it was asked for. */
  | 'solicited-flag';

export type NdpDecoded =
  | { readonly ok: true; readonly packet: NdpPacket }
  | { readonly ok: false; readonly reason: NdpDropReason };

/** The IPv6 packet that carries a message, a fresh copy; hop limit and checksum are filled in. */
export function encodeNdp({ source, destination, message }: NdpPacket): Uint8Array {
  const payload = encodeMessage(message);
  const packet = { nextHeader: NEXT_HEADER_ICMPV6, hopLimit: NDP_HOP_LIMIT, source, destination, payload };
  new DataView(payload.buffer).setUint16(CHECKSUM_OFFSET, internetChecksum(pseudoHeader(packet), payload));
  return encodeIpv6(packet);
}

/** Reads an IPv6 packet. Refused with the first reason that applies. Extension headers are not looked through. */
export function decodeNdp(packet: Ipv6Packet): NdpDecoded {
  const { payload } = packet;
  if (packet.nextHeader !== NEXT_HEADER_ICMPV6) return drop('next-header');
  const type = payload[0];
  if (type === undefined) return drop('truncated');
  if (type !== NDP_TYPE.NEIGHBOR_SOLICITATION && type !== NDP_TYPE.NEIGHBOR_ADVERTISEMENT) return drop('icmpv6-type');
  if (packet.hopLimit !== NDP_HOP_LIMIT) return drop('hop-limit');
  const targetAddress = IpAddress.fromBytes(payload.subarray(TARGET_OFFSET, NDP_FIXED_BYTES));
  if (payload.length < NDP_FIXED_BYTES || !targetAddress) return drop('truncated');
  if (payload.length > NDP_LONGEST_BYTES) return drop('oversized');
  if (payload[CODE_OFFSET] !== 0) return drop('code');
  if (internetChecksum(pseudoHeader(packet), payload) !== 0) return drop('checksum');
  if (isMulticastV6(targetAddress)) return drop('multicast-target');
  if (isIpv4Mapped(targetAddress)) return drop('mapped-target');
  return decodeRest(packet, type, targetAddress);
}

/**
 * An Ethernet frame with the message. A packet to a group goes to the group's own address, whatever `destination` says.
 */
export function ndpFrame(packet: NdpPacket, source: MacAddress, destination: MacAddress): Uint8Array {
  const toGroup = isMulticastV6(packet.destination);
  return encodeEthernet({
    destination: toGroup ? multicastMac(packet.destination) : destination,
    source,
    etherType: ETHER_TYPE.IPV6,
    payload: encodeNdp(packet),
  });
}

function encodeMessage(message: NdpMessage): Uint8Array {
  const isQuestion = message.type === NDP_TYPE.NEIGHBOR_SOLICITATION;
  const mac = isQuestion ? message.sourceLinkLayerAddr : message.targetLinkLayerAddr;
  const option = mac ? encodeLinkLayerOption(isQuestion ? 'source' : 'target', mac) : new Uint8Array(0);
  const bytes = new Uint8Array(NDP_FIXED_BYTES + option.length);
  bytes[0] = message.type;
  // A solicitation has reserved bytes where an advertisement has its flags; they are sent as zero.
  bytes[FLAGS_OFFSET] = isQuestion ? 0 : flagsOf(message);
  bytes.set(message.targetAddress.toBytes(), TARGET_OFFSET);
  bytes.set(option, NDP_FIXED_BYTES);
  return bytes;
}

function flagsOf(message: NeighborAdvertisement): number {
  return (
    (message.router ? FLAG.ROUTER : 0) |
    (message.solicited ? FLAG.SOLICITED : 0) |
    (message.override ? FLAG.OVERRIDE : 0)
  );
}

function decodeRest(packet: Ipv6Packet, type: NdpMessage['type'], targetAddress: IpAddress): NdpDecoded {
  const { source, destination, payload } = packet;
  const isQuestion = type === NDP_TYPE.NEIGHBOR_SOLICITATION;
  const options = decodeNdpOptions(payload.subarray(NDP_FIXED_BYTES), isQuestion ? 'source' : 'target');
  if (!options.ok) return drop(options.reason);
  if (isMulticastV6(source)) return drop('multicast-source');
  const mac = options.linkLayerAddr;
  if (isQuestion) {
    const isAnonymous = isUnspecifiedV6(source);
    if (isAnonymous && (mac || !isSolicitedNodeGroup(destination))) return drop('unspecified-source');
    return { ok: true, packet: { source, destination, message: { type, targetAddress, sourceLinkLayerAddr: mac } } };
  }
  const flags = payload[FLAGS_OFFSET] ?? 0;
  const solicited = (flags & FLAG.SOLICITED) !== 0;
  if (solicited && isMulticastV6(destination)) return drop('solicited-flag');
  const router = (flags & FLAG.ROUTER) !== 0;
  const override = (flags & FLAG.OVERRIDE) !== 0;
  const message = { type, router, solicited, override, targetAddress, targetLinkLayerAddr: mac };
  return { ok: true, packet: { source, destination, message } };
}

function drop(reason: NdpDropReason): NdpDecoded {
  return { ok: false, reason };
}
