// SPDX-License-Identifier: Apache-2.0
/** The Address Resolution Protocol for IPv4 over Ethernet (RFC 826), and the frames that RFC 5227 builds from it. */
import { IpAddress } from '../net/ip-address.ts';
import { MAC_LENGTH_BYTES, MacAddress } from '../net/mac-address.ts';
import { ETHER_TYPE, encodeEthernet } from './ethernet.ts';

/** An ARP packet for these address lengths, in bytes. What follows it in a frame is padding. */
export const ARP_LENGTH_BYTES = 28;

/** ar$hrd of Ethernet. */
export const ARP_HARDWARE_ETHERNET = 1;

/** ar$op (RFC 826). */
export const ARP_OPERATION = { REQUEST: 1, REPLY: 2 } as const;

export type ArpOperation = (typeof ARP_OPERATION)[keyof typeof ARP_OPERATION];

/** The fixed part: both types, both lengths, the operation. In bytes. */
const FIXED_LENGTH_BYTES = 8;
const IPV4_LENGTH_BYTES = 4;
const SENDER_HARDWARE_OFFSET = FIXED_LENGTH_BYTES;
const SENDER_PROTOCOL_OFFSET = SENDER_HARDWARE_OFFSET + MAC_LENGTH_BYTES;
const TARGET_HARDWARE_OFFSET = SENDER_PROTOCOL_OFFSET + IPV4_LENGTH_BYTES;
const TARGET_PROTOCOL_OFFSET = TARGET_HARDWARE_OFFSET + MAC_LENGTH_BYTES;

/** An ARP packet, in the names of RFC 826. The protocol addresses are IPv4. */
export interface ArpPacket {
  readonly operation: ArpOperation;
  readonly senderHardwareAddr: MacAddress;
  readonly senderProtocolAddr: IpAddress;
  readonly targetHardwareAddr: MacAddress;
  readonly targetProtocolAddr: IpAddress;
}

/** Why bytes are not an ARP packet that concerns IPv4 on Ethernet, in the order in which they are looked at. */
export type ArpDropReason = 'truncated' | 'hardware-type' | 'protocol-type' | 'address-length' | 'operation';

export type ArpDecoded =
  | { readonly ok: true; readonly packet: ArpPacket }
  | { readonly ok: false; readonly reason: ArpDropReason };

/** A packet asked to be encoded that has no form on the wire; a bug of the caller. */
export class ArpEncodeError extends Error {
  override readonly name = 'ArpEncodeError';
}

/**
 * The packet in 28 bytes, a fresh copy. Throws {@link ArpEncodeError} for IPv6: that is the business of NDP (RFC 4861).
 */
export function encodeArp(packet: ArpPacket): Uint8Array {
  const bytes = new Uint8Array(ARP_LENGTH_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ARP_HARDWARE_ETHERNET);
  view.setUint16(2, ETHER_TYPE.IPV4);
  view.setUint8(4, MAC_LENGTH_BYTES);
  view.setUint8(5, IPV4_LENGTH_BYTES);
  view.setUint16(6, packet.operation);
  bytes.set(packet.senderHardwareAddr.toBytes(), SENDER_HARDWARE_OFFSET);
  bytes.set(ipv4Bytes(packet.senderProtocolAddr), SENDER_PROTOCOL_OFFSET);
  bytes.set(packet.targetHardwareAddr.toBytes(), TARGET_HARDWARE_OFFSET);
  bytes.set(ipv4Bytes(packet.targetProtocolAddr), TARGET_PROTOCOL_OFFSET);
  return bytes;
}

/** Reads the payload of a frame. Refused with the first reason that applies; padding behind byte 28 is ignored. */
export function decodeArp(bytes: Uint8Array): ArpDecoded {
  if (bytes.length < FIXED_LENGTH_BYTES) return drop('truncated');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(0) !== ARP_HARDWARE_ETHERNET) return drop('hardware-type');
  if (view.getUint16(2) !== ETHER_TYPE.IPV4) return drop('protocol-type');
  if (view.getUint8(4) !== MAC_LENGTH_BYTES || view.getUint8(5) !== IPV4_LENGTH_BYTES) return drop('address-length');
  const operation = view.getUint16(6);
  if (operation !== ARP_OPERATION.REQUEST && operation !== ARP_OPERATION.REPLY) return drop('operation');
  return decodeAddresses(bytes, operation);
}

/**
 * The gratuitous forms (RFC 5227, 3; RFC 5944, 4.6): sender and target are the announced address, and the frame is a
 * broadcast. The target hardware address is not looked at by receivers; it is zero in the request form and the sender's
 * in the reply form.
 */
export function gratuitousArp(form: 'request' | 'reply', address: IpAddress, mac: MacAddress): Uint8Array {
  const packet: ArpPacket = {
    operation: form === 'request' ? ARP_OPERATION.REQUEST : ARP_OPERATION.REPLY,
    senderHardwareAddr: mac,
    senderProtocolAddr: address,
    targetHardwareAddr: form === 'request' ? MacAddress.ZERO : mac,
    targetProtocolAddr: address,
  };
  return arpFrame(packet, MacAddress.BROADCAST);
}

/** An Ethernet frame of 42 bytes from the packet's sender to this destination. */
export function arpFrame(packet: ArpPacket, destination: MacAddress): Uint8Array {
  return encodeEthernet({
    destination,
    source: packet.senderHardwareAddr,
    etherType: ETHER_TYPE.ARP,
    payload: encodeArp(packet),
  });
}

function decodeAddresses(bytes: Uint8Array, operation: ArpOperation): ArpDecoded {
  const senderHardwareAddr = MacAddress.fromBytes(bytes.subarray(SENDER_HARDWARE_OFFSET, SENDER_PROTOCOL_OFFSET));
  const senderProtocolAddr = IpAddress.fromBytes(bytes.subarray(SENDER_PROTOCOL_OFFSET, TARGET_HARDWARE_OFFSET));
  const targetHardwareAddr = MacAddress.fromBytes(bytes.subarray(TARGET_HARDWARE_OFFSET, TARGET_PROTOCOL_OFFSET));
  const targetProtocolAddr = IpAddress.fromBytes(bytes.subarray(TARGET_PROTOCOL_OFFSET, ARP_LENGTH_BYTES));
  if (!senderHardwareAddr || !senderProtocolAddr || !targetHardwareAddr || !targetProtocolAddr)
    return drop('truncated');
  const packet = { operation, senderHardwareAddr, senderProtocolAddr, targetHardwareAddr, targetProtocolAddr };
  return { ok: true, packet };
}

function drop(reason: ArpDropReason): ArpDecoded {
  return { ok: false, reason };
}

function ipv4Bytes(address: IpAddress): Uint8Array {
  if (address.family !== 'IPv4')
    throw new ArpEncodeError(`core: ARP cannot carry the ${address.family} address ${address}`);
  return address.toBytes();
}
