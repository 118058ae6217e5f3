// SPDX-License-Identifier: Apache-2.0
/**
 * What a node does with a frame that carries neighbor discovery: an advertisement, or the reason why there is none.
 * Pure. The twin of respond.ts for IPv6; packages/link/native/ndp-decide.h takes the same decision in C, in user space
 * and in the kernel, and all of them are held together by the same vectors.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { decodeEthernet, ETHER_TYPE } from '../wire/ethernet.ts';
import { ALL_NODES, decodeIpv6, isUnspecifiedV6 } from '../wire/ipv6.ts';
import { decodeNdp, NDP_TYPE, type NdpPacket, ndpFrame } from '../wire/ndp.ts';
import type { AnsweringPoint } from './respond.ts';

/**
 * Every reason for silence, in the order in which they are looked at; packages/link/native/ndp-decide.h has the same
 * list.
 */
export const NDP_SILENCE_REASONS = [
  'short-frame',
  /** Not IPv6. */
  'other-ethertype',
  /** Neither our MAC nor an IPv6 group: seen because the interface is promiscuous. */
  'other-destination',
  'truncated',
  'ip-version',
  /** IPv6, but not ICMPv6 right behind the fixed header. */
  'next-header',
  /** Neither a solicitation nor an advertisement. */
  'icmpv6-type',
  /** Passed on by a router, or forged from afar. */
  'hop-limit',
  'oversized',
  'code',
  'checksum',
  'multicast-target',
  'mapped-target',
  'option-length',
  'option-direction',
  'multicast-source',
  'unspecified-source',
  'solicited-flag',
  /** The asker's MAC is zero or a group: no one could be answered there. */
  'sender-hardware-addr',
  /** Sent by this very interface and reflected by the network. */
  'own-frame',
  /** A foreign MAC says that it has one of our VIPs (RFC 4862, 5.4.4): a conflict, not a question. */
  'foreign-claim',
  'not-a-request',
  'unknown-target',
  'other-interface',
  'fenced',
] as const;

export type NdpSilenceReason = (typeof NDP_SILENCE_REASONS)[number];

/** `frame` is 86 bytes; `vip` is the address that was asked for or claimed. */
export type NdpDecision =
  | { readonly ok: true; readonly frame: Uint8Array; readonly vip: IpAddress }
  | { readonly ok: false; readonly reason: NdpSilenceReason; readonly vip?: IpAddress };

/**
 * Answers one frame as it was received on this interface (RFC 4861, 7.2.4; duplicate detection of RFC 4862, 5.4.3 too).
 */
export function respondToNdp(bytes: Uint8Array, at: AnsweringPoint): NdpDecision {
  const ethernet = decodeEthernet(bytes);
  if (!ethernet.ok) return silence(ethernet.reason);
  const { destination, source, etherType, payload } = ethernet.frame;
  if (etherType !== ETHER_TYPE.IPV6) return silence('other-ethertype');
  if (!destination.equals(at.mac) && !isIpv6Group(destination)) return silence('other-destination');
  const ip = decodeIpv6(payload);
  if (!ip.ok) return silence(ip.reason);
  const ndp = decodeNdp(ip.packet);
  if (!ndp.ok) return silence(ndp.reason);
  return respondToMessage(ndp.packet, source, at);
}

/**
 * The frame that announces a VIP unasked (RFC 4861, 7.2.6): to all nodes, Override set, neither Solicited nor Router.
 * It goes out when GratuitousSchedule says so, which keeps the RFC's three announcements a second apart.
 */
export function unsolicitedAdvertisement(vip: IpAddress, mac: MacAddress): Uint8Array {
  return ndpFrame(advertisement(vip, mac, ALL_NODES), mac, MacAddress.BROADCAST);
}

function respondToMessage(packet: NdpPacket, frameSource: MacAddress, at: AnsweringPoint): NdpDecision {
  const { source, message } = packet;
  const isQuestion = message.type === NDP_TYPE.NEIGHBOR_SOLICITATION;
  // An answer goes to the address in the option, as the neighbour cache of a host would have it; without one, back.
  const asker = (isQuestion ? message.sourceLinkLayerAddr : message.targetLinkLayerAddr) ?? frameSource;
  if (asker.isZero || asker.isMulticast) return silence('sender-hardware-addr');
  if (asker.equals(at.mac) || frameSource.equals(at.mac)) return silence('own-frame');
  const claimed = isQuestion ? source : message.targetAddress;
  if (at.placeOf(claimed) === 'here') return silence('foreign-claim', claimed);
  if (!isQuestion) return silence('not-a-request');
  const vip = message.targetAddress;
  const place = at.placeOf(vip);
  if (place === 'nowhere') return silence('unknown-target');
  if (place === 'elsewhere') return silence('other-interface', vip);
  if (at.fence === 'expired') return silence('fenced', vip);
  // Who asks from `::` has no address yet that could be answered at (RFC 4861, 7.2.4).
  const destination = isUnspecifiedV6(source) ? ALL_NODES : source;
  return { ok: true, frame: ndpFrame(advertisement(vip, at.mac, destination), at.mac, asker), vip };
}

// The VIP itself is the source: any address of the answering interface may be, and this one needs no lookup.
function advertisement(vip: IpAddress, mac: MacAddress, destination: IpAddress): NdpPacket {
  return {
    source: vip,
    destination,
    message: {
      type: NDP_TYPE.NEIGHBOR_ADVERTISEMENT,
      router: false,
      solicited: !destination.equals(ALL_NODES),
      override: true,
      targetAddress: vip,
      targetLinkLayerAddr: mac,
    },
  };
}

/** 33:33 and four bytes of the group (RFC 2464, 7). */
function isIpv6Group(mac: MacAddress): boolean {
  return Math.floor(mac.value / 2 ** 32) === 0x3333;
}

function silence(reason: NdpSilenceReason, vip?: IpAddress): NdpDecision {
  return vip === undefined ? { ok: false, reason } : { ok: false, reason, vip };
}
