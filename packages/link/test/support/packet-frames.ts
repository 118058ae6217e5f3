// SPDX-License-Identifier: Apache-2.0
/**
 * Frames with packets, written for the tests of the program that spreads: only as much of each as nodes look at on the
 * way.
 */
import { IpAddress, internetChecksum, MacAddress } from '@berth/core';

export const TCP = 6;
export const UDP = 17;
export const SCTP = 132;
export const ICMP = 1;
export const ICMPV6 = 58;

/** Who sends what to whom, for the parts that most frames of a test have alike. */
export interface PacketPlan {
  readonly to: string;
  readonly from: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  /** What comes behind the IP header. */
  readonly payload: Uint8Array;
  /** TTL or hop limit. Default: 64. */
  readonly hops?: number;
  /** Fragment offset in bytes and whether more come; IPv4 only, in IPv6 it is a header of the payload. */
  readonly fragment?: { readonly id: number; readonly offset: number; readonly hasMore: boolean };
  /** Bytes of options in an IPv4 header, a multiple of 4. Default: 0. */
  readonly optionBytes?: number;
}

export function bytesOf(...parts: readonly (number | Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])));
}

export function two(number: number): number[] {
  return [number >> 8, number & 0xff];
}

/** A TCP segment without data. */
export function tcp(sourcePort: number, destinationPort: number, flags: 'SYN' | 'ACK' | 'SYN,ACK' | 'RST'): Uint8Array {
  const bits = { SYN: 0x02, ACK: 0x10, 'SYN,ACK': 0x12, RST: 0x04 }[flags];
  const numbers = [0, 0, 0, 1, 0, 0, 0, 0];
  return bytesOf(two(sourcePort), two(destinationPort), numbers, 0x50, bits, 0xff, 0xff, 0, 0, 0, 0);
}

export function udp(sourcePort: number, destinationPort: number, dataBytes = 4): Uint8Array {
  return bytesOf(two(sourcePort), two(destinationPort), two(8 + dataBytes), 0, 0, new Uint8Array(dataBytes));
}

/** An SCTP packet with one chunk, of which there is only the header. */
export function sctp(sourcePort: number, destinationPort: number, chunk: 'INIT' | 'DATA'): Uint8Array {
  return bytesOf(two(sourcePort), two(destinationPort), new Uint8Array(8), chunk === 'INIT' ? 1 : 0, 0, 0, 4);
}

export function icmp(type: number, body: Uint8Array): Uint8Array {
  return bytesOf(type, 0, 0, 0, 0, 0, 0, 0, body);
}

/** An IPv4 or IPv6 packet, by its addresses. */
export function packet(plan: PacketPlan): Uint8Array {
  const source = addressBytes(plan.source);
  const destination = addressBytes(plan.destination);
  const { protocol, payload, hops = 64 } = plan;
  if (source.length === 16)
    return bytesOf(0x60, 0, 0, 0, two(payload.length), protocol, hops, source, destination, payload);
  const { fragment, optionBytes = 0 } = plan;
  const header = bytesOf(
    ...[0x45 + optionBytes / 4, 0, two(20 + optionBytes + payload.length), two(fragment?.id ?? 0)],
    two(fragment ? fragment.offset / 8 + (fragment.hasMore ? 0x2000 : 0) : 0x4000),
    ...[hops, protocol, 0, 0, source, destination, new Uint8Array(optionBytes).fill(1)],
  );
  header.set(two(internetChecksum(header)), 10);
  return bytesOf(header, payload);
}

export function frame(plan: PacketPlan): Uint8Array {
  const type = addressBytes(plan.source).length === 16 ? 0x86dd : 0x0800;
  return bytesOf(macBytes(plan.to), macBytes(plan.from), two(type), packet(plan));
}

export function macBytes(text: string): Uint8Array {
  return parsed(MacAddress.parse(text)).toBytes();
}

export function addressOf(text: string): IpAddress {
  return parsed(IpAddress.parse(text));
}

function addressBytes(text: string): Uint8Array {
  return addressOf(text).toBytes();
}

function parsed<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string },
): T {
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}
