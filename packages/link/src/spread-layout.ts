// SPDX-License-Identifier: Apache-2.0
/** Keys and values of the maps of the program that spreads, laid out as in native/spread-maps.h. */
import type { IpAddress, MacAddress } from '@berth/core';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

/** Bytes of a key and of a value. */
export const SPREAD_LAYOUT = {
  vips: { keyBytes: 16, valueBytes: 4 },
  services: { keyBytes: 24, valueBytes: 8 },
  members: { keyBytes: 8, valueBytes: 12 },
  senders: { keyBytes: 12, valueBytes: 4 },
} as const;

export type SpreadProtocol = 'TCP' | 'UDP' | 'SCTP';

/** Numbers of the registry "Assigned Internet Protocol Numbers". */
export const PROTOCOL_NUMBERS: Readonly<Record<SpreadProtocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** `::ffff:0:0/96` (RFC 4291, 2.5.5.2), and where the IPv4 address begins. */
const MAPPED_AT = 10;
const IPV4_AT = 12;

/** 16 bytes; IPv4 mapped into IPv6. */
export function addressKey(address: IpAddress): Uint8Array {
  const bytes = address.toBytes();
  if (bytes.length === 16) return bytes;
  const key = new Uint8Array(16);
  key.fill(0xff, MAPPED_AT, IPV4_AT);
  key.set(bytes, IPV4_AT);
  return key;
}

/** What a Service is found by on an interface. */
export interface ServiceKey {
  readonly ifindex: number;
  readonly vip: IpAddress;
  readonly protocol: SpreadProtocol;
  readonly port: number;
}

export function serviceKey({ ifindex, vip, protocol, port }: ServiceKey): Uint8Array {
  const key = new Uint8Array(SPREAD_LAYOUT.services.keyBytes);
  const view = new DataView(key.buffer);
  key.set(addressKey(vip));
  view.setUint32(16, ifindex, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(20, port, HOST_IS_LITTLE_ENDIAN);
  view.setUint8(22, PROTOCOL_NUMBERS[protocol]);
  return key;
}

/** One word: number of the first row, last row (a power of two less 1), and whether rows go by client. */
export function serviceValue(firstRow: number, rowCount: number, by: 'flow' | 'client'): Uint8Array {
  const word = BigInt(firstRow) | (BigInt(rowCount - 1) << 32n) | (by === 'client' ? 1n << 48n : 0n);
  return new Uint8Array(BigUint64Array.of(word).buffer);
}

export function memberKey(ifindex: number, number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(ifindex, number).buffer);
}

/** The MAC addresses of a frame to a member: its own, and that of this node's interface. */
export function memberValue(mac: MacAddress, ownMac: MacAddress): Uint8Array {
  return Uint8Array.from([...mac.toBytes(), ...ownMac.toBytes()]);
}

export function senderKey(ifindex: number, mac: MacAddress): Uint8Array {
  const key = new Uint8Array(SPREAD_LAYOUT.senders.keyBytes);
  key.set(mac.toBytes());
  new DataView(key.buffer).setUint32(8, ifindex, HOST_IS_LITTLE_ENDIAN);
  return key;
}

export function numberValue(number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(number).buffer);
}
