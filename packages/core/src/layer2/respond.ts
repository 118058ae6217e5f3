// SPDX-License-Identifier: Apache-2.0
/**
 * What a node does with a frame that carries ARP: a reply, or the reason why there is none. Pure. The native responder
 * in packages/link takes the same decision in C; both are held together by the same vectors, so this file is also its
 * description.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { ARP_OPERATION, type ArpPacket, arpFrame, decodeArp } from '../wire/arp.ts';
import { decodeEthernet, ETHER_TYPE, type EthernetFrame } from '../wire/ethernet.ts';

/**
 * Every reason for silence, in the order in which they are looked at. The native responder counts under the same names
 * in the same order (packages/link/native/arp-decide.h).
 */
export const SILENCE_REASONS = [
  /** Fewer than 14 bytes. */
  'short-frame',
  /** Not ARP. */
  'other-ethertype',
  /** Neither broadcast nor our MAC: seen because the interface is promiscuous. */
  'other-destination',
  /** The packet ends before its addresses do. */
  'truncated',
  'hardware-type',
  'protocol-type',
  'address-length',
  /** Neither request nor reply. */
  'operation',
  /** The sender's MAC is zero or a group: no one could be answered there. */
  'sender-hardware-addr',
  /** Sent by this very interface and reflected by the network. */
  'own-frame',
  /** A foreign MAC says that it has one of our VIPs (RFC 5227, 2.4): a conflict, not a question. */
  'foreign-claim',
  'not-a-request',
  /** The question is for an address that this node does not answer for. */
  'unknown-target',
  /** This node answers for it, but not on this interface. */
  'other-interface',
  /** The fence ran out. */
  'fenced',
] as const;

export type SilenceReason = (typeof SILENCE_REASONS)[number];

/** Where this node answers for an address, as seen from one interface. */
export type VipPlace = 'here' | 'elsewhere' | 'nowhere';

/** One interface of this node. */
export interface AnsweringPoint {
  /** MAC address of the interface. */
  readonly mac: MacAddress;
  /** Whether the node may answer at this moment. */
  readonly fence: 'holds' | 'expired';
  placeOf(address: IpAddress): VipPlace;
}

/** `frame` is 42 bytes; `vip` is the address that was asked for or claimed. */
export type ArpDecision =
  | { readonly ok: true; readonly frame: Uint8Array; readonly vip: IpAddress }
  | { readonly ok: false; readonly reason: SilenceReason; readonly vip?: IpAddress };

/** Answers one frame as it was received on this interface (RFC 826; probes of RFC 5227, 2.1.1 are answered too). */
export function respondToArp(bytes: Uint8Array, at: AnsweringPoint): ArpDecision {
  const ethernet = decodeEthernet(bytes);
  if (!ethernet.ok) return silence(ethernet.reason);
  if (ethernet.frame.etherType !== ETHER_TYPE.ARP) return silence('other-ethertype');
  if (!isForUs(ethernet.frame, at.mac)) return silence('other-destination');
  const arp = decodeArp(ethernet.frame.payload);
  if (!arp.ok) return silence(arp.reason);
  return respondToPacket(arp.packet, at);
}

function respondToPacket(packet: ArpPacket, at: AnsweringPoint): ArpDecision {
  const sender = packet.senderHardwareAddr;
  if (sender.isZero || sender.isMulticast) return silence('sender-hardware-addr');
  if (sender.equals(at.mac)) return silence('own-frame');
  // Replies and requests alike: an announcement has either form.
  if (at.placeOf(packet.senderProtocolAddr) === 'here') return silence('foreign-claim', packet.senderProtocolAddr);
  if (packet.operation !== ARP_OPERATION.REQUEST) return silence('not-a-request');
  const vip = packet.targetProtocolAddr;
  const place = at.placeOf(vip);
  if (place === 'nowhere') return silence('unknown-target');
  if (place === 'elsewhere') return silence('other-interface', vip);
  if (at.fence === 'expired') return silence('fenced', vip);
  return { ok: true, frame: replyTo(packet, at.mac), vip };
}

function replyTo(request: ArpPacket, mac: MacAddress): Uint8Array {
  const reply: ArpPacket = {
    operation: ARP_OPERATION.REPLY,
    senderHardwareAddr: mac,
    senderProtocolAddr: request.targetProtocolAddr,
    targetHardwareAddr: request.senderHardwareAddr,
    targetProtocolAddr: request.senderProtocolAddr,
  };
  return arpFrame(reply, request.senderHardwareAddr);
}

function isForUs(frame: EthernetFrame, mac: MacAddress): boolean {
  return frame.destination.equals(MacAddress.BROADCAST) || frame.destination.equals(mac);
}

function silence(reason: SilenceReason, vip?: IpAddress): ArpDecision {
  return vip === undefined ? { ok: false, reason } : { ok: false, reason, vip };
}
