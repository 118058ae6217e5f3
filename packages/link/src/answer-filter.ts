// SPDX-License-Identifier: Apache-2.0
/**
 * Programs of the classic packet filter for a socket that waits for answers about addresses: ARP replies or neighbor
 * advertisements, and nothing while nothing is asked. Which address an answer is about is looked up afterwards, so the
 * program need not change with each question.
 */
import type { IpFamily } from '@berth/core';
import { assembleFilter, FILTER_OP, type FilterInstruction, KEEP_WHOLE } from './filter-program.ts';

/** Offsets from the start of the Ethernet header. */
const OPERATION_AT = 20;
const NEXT_HEADER_AT = 20;
const ICMP_TYPE_AT = 54;
const REPLY = 2;
const ICMPV6 = 58;
const NEIGHBOR_ADVERTISEMENT = 136;

const DROP: FilterInstruction = [FILTER_OP.RETURN, 0, 0, 0];
const KEEP: FilterInstruction = [FILTER_OP.RETURN, 0, 0, KEEP_WHOLE];

/** Keeps answers of this family, 8 bytes an instruction in host byte order. */
export function answerFilter(family: IpFamily): Uint8Array {
  const { LOAD_HALF, LOAD_BYTE, IF_EQUAL } = FILTER_OP;
  if (family === 'IPv4') return assembleFilter([[LOAD_HALF, 0, 0, OPERATION_AT], [IF_EQUAL, 0, 1, REPLY], KEEP, DROP]);
  return assembleFilter([
    [LOAD_BYTE, 0, 0, NEXT_HEADER_AT],
    [IF_EQUAL, 0, 3, ICMPV6],
    [LOAD_BYTE, 0, 0, ICMP_TYPE_AT],
    [IF_EQUAL, 0, 1, NEIGHBOR_ADVERTISEMENT],
    KEEP,
    DROP,
  ]);
}

/** Keeps nothing. */
export function noFrames(): Uint8Array {
  return assembleFilter([DROP]);
}
