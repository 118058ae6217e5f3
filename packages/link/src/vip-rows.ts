// SPDX-License-Identifier: Apache-2.0
/**
 * The layouts in which VIP tables and their counters cross the border to the addon (native/vip-table.h,
 * responder-binding.c).
 */
import { IpAddress, MacAddress } from '@berth/core';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

const ADDRESS_BYTES = 16;
/** An address and a set of slots. */
const ROW_BYTES = ADDRESS_BYTES + 8;
/** An address and four 64-bit counters. */
const COUNTER_ROW_BYTES = ADDRESS_BYTES + 4 * 8;
/** `::ffff:0:0/96`: IPv4 addresses inside IPv6 (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** One VIP and the slots of the interfaces on which it is answered. */
export interface VipRow {
  readonly vip: IpAddress;
  /** Slot numbers, 0 to 63. */
  readonly slots: readonly number[];
}

/** What was counted for one VIP since it was first put into the table. */
export interface VipCounters {
  readonly vip: IpAddress;
  /** Questions for it, answered or not. */
  readonly requests: number;
  readonly replies: number;
  /** Frames in which a foreign MAC said that it has the VIP. */
  readonly claims: number;
  /** Sender of the last such frame. */
  readonly claimant: MacAddress | undefined;
}

export function encodeVipRows(rows: readonly VipRow[]): Uint8Array {
  const bytes = new Uint8Array(rows.length * ROW_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, row] of rows.entries()) {
    const start = index * ROW_BYTES;
    setAddress(view, start, row.vip);
    // Most VIPs of a cluster are answered by others.
    if (row.slots.length > 0) view.setBigUint64(start + ADDRESS_BYTES, slotSet(row.slots), HOST_IS_LITTLE_ENDIAN);
  }
  return bytes;
}

/** All rows, or only those with claims, which are found without decoding the others. */
export function decodeVipCounters(buffer: ArrayBuffer, which: 'all' | 'claimed' = 'all'): VipCounters[] {
  const view = new DataView(buffer);
  const count = Math.floor(buffer.byteLength / COUNTER_ROW_BYTES);
  const starts = Array.from({ length: count }, (_, index) => index * COUNTER_ROW_BYTES);
  const isClaimed = (start: number) => view.getBigUint64(start + ADDRESS_BYTES + 2 * 8, HOST_IS_LITTLE_ENDIAN) !== 0n;
  return (which === 'all' ? starts : starts.filter(isClaimed)).map((start) => {
    const number = (position: number) =>
      Number(view.getBigUint64(start + ADDRESS_BYTES + position * 8, HOST_IS_LITTLE_ENDIAN));
    return {
      vip: unmapped(new Uint8Array(buffer, start, ADDRESS_BYTES)),
      requests: number(0),
      replies: number(1),
      claims: number(2),
      claimant: number(3) === 0 ? undefined : macOf(number(3)),
    };
  });
}

/** Addresses of 16 bytes each, in order. */
export function decodeAddresses(buffer: ArrayBuffer): IpAddress[] {
  const count = Math.floor(buffer.byteLength / ADDRESS_BYTES);
  return Array.from({ length: count }, (_, index) =>
    unmapped(new Uint8Array(buffer, index * ADDRESS_BYTES, ADDRESS_BYTES)),
  );
}

function slotSet(slots: readonly number[]): bigint {
  return slots.reduce((set, slot) => set | (1n << BigInt(slot)), 0n);
}

/**
 * Into 16 bytes that are zero; an IPv4 address as a mapped one. Tables of thousands are written again and again, so
 * without garbage.
 */
function setAddress(view: DataView, start: number, { family, value }: IpAddress): void {
  if (family === 'IPv4') {
    view.setUint16(start + 10, 0xffff);
    view.setUint32(start + 12, Number(value));
  } else {
    view.setBigUint64(start, value >> 64n);
    view.setBigUint64(start + 8, value & 0xffff_ffff_ffff_ffffn);
  }
}

function unmapped(bytes: Uint8Array): IpAddress {
  const isMapped = MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
  const address = IpAddress.fromBytes(isMapped ? bytes.subarray(MAPPED_PREFIX.length) : bytes);
  if (!address) throw new Error('link: a row of counters without an address');
  return address;
}

function macOf(number: number): MacAddress | undefined {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(number));
  return MacAddress.fromBytes(new Uint8Array(view.buffer, 2));
}
