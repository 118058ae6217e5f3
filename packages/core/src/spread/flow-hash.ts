// SPDX-License-Identifier: Apache-2.0
/**
 * Fingerprints of flows: what names the node that serves a flow, alike on every node and in every language
 * (docs/design/0040-every-node-serves.md, section 3). The program in the kernel computes them for each packet
 * (packages/link); here they are for tests and for people. All arithmetic is modulo 2^64.
 */
import type { IpAddress } from '../net/ip-address.ts';

/** One direction of a flow: from a client to a VIP. */
export interface Flow {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** 6 TCP, 17 UDP, 132 SCTP. */
  readonly protocol: number;
}

/** Whether flows of one client may go to several nodes, or go to one (`sessionAffinity: ClientIP`). */
export type SpreadBy = 'flow' | 'client';

const MASK = 0xffff_ffff_ffff_ffffn;
/** Odd, so that the product keeps all that came in. */
const FACTOR = 0x9fb2_1c65_1e98_df25n;
const LAST = 0x9e37_79b9_7f4a_7c15n;
/** `::ffff:0:0/96` (RFC 4291, 2.5.5.2). */
const MAPPED = 0xffff_0000_0000n;

/** Of 64 bits, never 0: the tables in the kernel keep 0 for no one. */
export function fingerprintOf(flow: Flow, seed: bigint): bigint {
  const ports = (BigInt(flow.sourcePort) << 48n) | (BigInt(flow.destinationPort) << 32n) | BigInt(flow.protocol);
  return mix(mix(mixClient(flow, seed), ports), LAST) || 1n;
}

/** Row of a flow in a table of so many rows, a power of two. */
export function rowOf(flow: Flow, seed: bigint, by: SpreadBy, rowCount: number): number {
  const hash = by === 'flow' ? fingerprintOf(flow, seed) : mix(mixClient(flow, seed), LAST);
  return Number(hash & BigInt(rowCount - 1));
}

function mixClient({ source, destination }: Flow, seed: bigint): bigint {
  const [from, to] = [mappedValue(source), mappedValue(destination)];
  return [from >> 64n, from & MASK, to >> 64n, to & MASK].reduce(mix, seed);
}

function mix(hash: bigint, word: bigint): bigint {
  const product = ((hash ^ word) * FACTOR) & MASK;
  return product ^ (product >> 32n);
}

function mappedValue({ family, value }: IpAddress): bigint {
  return family === 'IPv4' ? MAPPED | value : value;
}
