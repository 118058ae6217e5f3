// SPDX-License-Identifier: Apache-2.0
/**
 * A frame by which a node shows another that a packet with a client's source address gets there. Hypervisors and
 * switches that know which addresses are a node's own drop it, as they would drop a client's packet that is passed on.
 *
 * It is an echo reply (RFC 792) from an address of documentation (RFC 5737) to all hosts: valid wherever it is looked
 * at, and no kernel reacts to a reply that it did not ask for.
 */
import { encodeEthernet, internetChecksum, MAC_LENGTH_BYTES, MacAddress } from '@berth/core';
import { assembleFilter, FILTER_OP, KEEP_WHOLE } from './filter-program.ts';

/** EtherType of IPv4. */
export const IPV4 = 0x0800;
const HEADER_BYTES = 20;
const ECHO_BYTES = 8;
/** Says what it is, and for people who capture it. */
const MARK = new TextEncoder().encode('berth: may clients be passed on?');
const TOTAL_BYTES = HEADER_BYTES + ECHO_BYTES + MARK.length + MAC_LENGTH_BYTES;
/** 198.51.100.1, and 224.0.0.1 with one hop. */
const [SOURCE, ALL_HOSTS, HOPS, ICMP] = [0xc633_6401, 0xe000_0001, 1, 1];
/** Offsets from the start of the Ethernet header. */
const [IP_AT, SOURCE_AT, DESTINATION_AT] = [14, 26, 30];
const MARK_AT = IP_AT + HEADER_BYTES + ECHO_BYTES;
const SENDER_AT = MARK_AT + MARK.length;

/** From the interface with one MAC address to that with the other. */
export function trialFrame(from: MacAddress, to: MacAddress): Uint8Array {
  const packet = new Uint8Array(TOTAL_BYTES);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, TOTAL_BYTES);
  view.setUint8(8, HOPS);
  view.setUint8(9, ICMP);
  view.setUint32(12, SOURCE);
  view.setUint32(16, ALL_HOSTS);
  view.setUint16(10, internetChecksum(packet.subarray(0, HEADER_BYTES)));
  packet.set(MARK, HEADER_BYTES + ECHO_BYTES);
  packet.set(from.toBytes(), TOTAL_BYTES - MAC_LENGTH_BYTES);
  view.setUint16(HEADER_BYTES + 2, internetChecksum(packet.subarray(HEADER_BYTES)));
  return encodeEthernet({ destination: to, source: from, etherType: IPV4, payload: packet });
}

/** The sender of such a frame by its own word; undefined for any other. A bond may send it with another address. */
export function trialSender(frame: Uint8Array): MacAddress | undefined {
  const isMarked = MARK.every((byte, index) => frame[MARK_AT + index] === byte);
  return isMarked ? MacAddress.fromBytes(frame.subarray(SENDER_AT, SENDER_AT + MAC_LENGTH_BYTES)) : undefined;
}

/** Keeps such frames of all of IPv4, 8 bytes an instruction in host byte order. */
export function trialFilter(): Uint8Array {
  const { LOAD_WORD, IF_EQUAL, RETURN } = FILTER_OP;
  return assembleFilter([
    [LOAD_WORD, 0, 0, SOURCE_AT],
    [IF_EQUAL, 0, 3, SOURCE],
    [LOAD_WORD, 0, 0, DESTINATION_AT],
    [IF_EQUAL, 0, 1, ALL_HOSTS],
    [RETURN, 0, 0, KEEP_WHOLE],
    [RETURN, 0, 0, 0],
  ]);
}
