// SPDX-License-Identifier: Apache-2.0
/**
 * Flows with their hashes, for tests: the program in the kernel, the reader of conntrack and the code in TypeScript are
 * all held to this table.
 */
import type { SpreadBy } from './flow-hash.ts';

export interface FlowHashVector {
  readonly name: string;
  readonly seed: bigint;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly fingerprint: bigint;
  /** Of 4,096 rows. */
  readonly row: Readonly<Record<SpreadBy, number>>;
}

const SEED = 0x0123_4567_89ab_cdefn;

// biome-ignore format: a row is a flow
export const FLOW_HASH_VECTORS: readonly FlowHashVector[] = [
  { name: 'IPv4, TCP', seed: SEED, source: '198.51.100.7', destination: '203.0.113.20', sourcePort: 40000, destinationPort: 80, protocol: 6, fingerprint: 0x9dec_fc17_a354_f446n, row: { flow: 1094, client: 39 } },
  { name: 'IPv4, TCP, the next port', seed: SEED, source: '198.51.100.7', destination: '203.0.113.20', sourcePort: 40001, destinationPort: 80, protocol: 6, fingerprint: 0x9545_7b68_99da_7339n, row: { flow: 825, client: 39 } },
  { name: 'IPv4, UDP', seed: SEED, source: '198.51.100.7', destination: '203.0.113.20', sourcePort: 40000, destinationPort: 80, protocol: 17, fingerprint: 0x7a8d_b04f_bcfe_e0a0n, row: { flow: 160, client: 39 } },
  { name: 'IPv4, SCTP, another Service', seed: SEED, source: '198.51.100.7', destination: '203.0.113.21', sourcePort: 40000, destinationPort: 443, protocol: 132, fingerprint: 0x5509_81a4_6499_d103n, row: { flow: 259, client: 2562 } },
  { name: 'IPv4, highest numbers', seed: 0xffff_ffff_ffff_ffffn, source: '255.255.255.254', destination: '223.255.255.255', sourcePort: 65535, destinationPort: 65535, protocol: 255, fingerprint: 0xf23b_ff3b_cf70_78f1n, row: { flow: 2289, client: 286 } },
  { name: 'IPv4, without a seed', seed: 0n, source: '192.0.2.1', destination: '203.0.113.20', sourcePort: 1, destinationPort: 1, protocol: 6, fingerprint: 0xa23a_6b02_64c7_a273n, row: { flow: 627, client: 4017 } },
  { name: 'IPv6, TCP', seed: SEED, source: '2001:db8:1::7', destination: '2001:db8:5::20', sourcePort: 40000, destinationPort: 80, protocol: 6, fingerprint: 0xf277_5b65_18f1_5722n, row: { flow: 1826, client: 302 } },
  { name: 'IPv6, UDP', seed: SEED, source: '2001:db8:1:2:3:4:5:6', destination: '2001:db8:5::20', sourcePort: 5353, destinationPort: 53, protocol: 17, fingerprint: 0x63dd_ee67_3584_cf4bn, row: { flow: 3915, client: 3112 } },
  { name: 'IPv6, lowest numbers', seed: 1n, source: '::1', destination: '::2', sourcePort: 0, destinationPort: 0, protocol: 0, fingerprint: 0x9582_dd67_1341_add9n, row: { flow: 3545, client: 2415 } },
];
