// SPDX-License-Identifier: Apache-2.0
/**
 * Programs of the classic packet filter (bpf(4), the kernel's filter.rst) that sort frames by the MAC address of their
 * sender. They let a socket for known senders go undisturbed while strangers flood another.
 *
 * Only the last 4 bytes of an address are compared: who wants to be taken for a known sender can use its whole address
 * as well. The kernel keeps a program as instructions of eBPF and charges them to the socket (net.core.optmem_max: 20
 * KiB, in newer kernels 128 KiB), the old and the new one together while one replaces the other. A comparison is 8 to
 * 16 bytes there, a load of a part of the frame over 100.
 */
import type { MacAddress } from '@berth/core';
import { assembleFilter, choose, FILTER_OP, KEEP_WHOLE } from './filter-program.ts';

/** Where the last 4 bytes of the sender's MAC address are in an Ethernet frame, and in the address itself. */
const FRAME_AT = 8;
const ADDRESS_AT = 2;
/** Senders that fit into one program, where a socket has room for it: more than a segment has members. */
export const MAX_FILTERED_SENDERS = 1024;

/**
 * A filter that keeps frames of exactly these senders (`only`), or of all others (`except`), 8 bytes an instruction in
 * host byte order. Throws for more than {@link MAX_FILTERED_SENDERS}.
 */
export function sourceFilter(frames: 'only' | 'except', senders: readonly MacAddress[]): Uint8Array {
  if (senders.length > MAX_FILTERED_SENDERS)
    throw new RangeError(`link: source filter: found ${senders.length} senders, want at most ${MAX_FILTERED_SENDERS}`);
  const [ofSenders, ofOthers] = frames === 'only' ? [KEEP_WHOLE, 0] : [0, KEEP_WHOLE];
  const words = senders.map((mac) => new DataView(Uint8Array.from(mac.toBytes()).buffer).getUint32(ADDRESS_AT));
  return assembleFilter([[FILTER_OP.LOAD_WORD, 0, 0, FRAME_AT], ...choose(words, ofSenders, ofOthers)]);
}
