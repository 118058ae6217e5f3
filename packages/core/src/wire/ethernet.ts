// SPDX-License-Identifier: Apache-2.0
/**
 * Ethernet II frames (IEEE 802.3 with a type field): 14 bytes of header, then the payload. Tags are left to the kernel.
 */
import { MAC_LENGTH_BYTES, MacAddress } from '../net/mac-address.ts';

/** Destination, source and EtherType, in bytes. */
export const ETHERNET_HEADER_BYTES = 14;

/** EtherTypes that Berth speaks. */
export const ETHER_TYPE = { IPV4: 0x0800, ARP: 0x0806, IPV6: 0x86dd } as const;

const ETHER_TYPE_OFFSET = 2 * MAC_LENGTH_BYTES;

/** One frame. The payload is a view of the bytes that were decoded, padding included. */
export interface EthernetFrame {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly etherType: number;
  readonly payload: Uint8Array;
}

/** Why bytes are not an Ethernet frame. */
export type EthernetDropReason = 'short-frame';

export type EthernetDecoded =
  | { readonly ok: true; readonly frame: EthernetFrame }
  | { readonly ok: false; readonly reason: EthernetDropReason };

/** The frame as bytes, a fresh copy. Not padded to 60 bytes: drivers do that. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const bytes = new Uint8Array(ETHERNET_HEADER_BYTES + frame.payload.length);
  bytes.set(frame.destination.toBytes(), 0);
  bytes.set(frame.source.toBytes(), MAC_LENGTH_BYTES);
  new DataView(bytes.buffer).setUint16(ETHER_TYPE_OFFSET, frame.etherType);
  bytes.set(frame.payload, ETHERNET_HEADER_BYTES);
  return bytes;
}

/** Reads a frame without its check sequence. Refused: fewer than 14 bytes. */
export function decodeEthernet(bytes: Uint8Array): EthernetDecoded {
  const destination = MacAddress.fromBytes(bytes.subarray(0, MAC_LENGTH_BYTES));
  const source = MacAddress.fromBytes(bytes.subarray(MAC_LENGTH_BYTES, ETHER_TYPE_OFFSET));
  if (!destination || !source || bytes.length < ETHERNET_HEADER_BYTES) return { ok: false, reason: 'short-frame' };
  const etherType = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint16(ETHER_TYPE_OFFSET);
  return { ok: true, frame: { destination, source, etherType, payload: bytes.subarray(ETHERNET_HEADER_BYTES) } };
}
