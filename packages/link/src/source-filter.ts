// SPDX-License-Identifier: Apache-2.0
/**
 * Programs of the classic packet filter (bpf(4), the kernel's filter.rst) that sort frames by the MAC address of their sender. They let a
 * socket for known senders go undisturbed while strangers flood another.
 */
import type { MacAddress } from '@berth/core';
import {
  assembleFilter,
  FILTER_OP,
  type FilterInstruction,
  KEEP_WHOLE,
  MAX_FILTER_INSTRUCTIONS,
} from './filter-program.ts';

const PER_SENDER = 5;

/** Where the sender's MAC address is in an Ethernet frame: its first 2 and its last 4 bytes. */
const SOURCE_HIGH_AT = 6;
const SOURCE_LOW_AT = 8;
/** Senders that fit into one program. */
export const MAX_FILTERED_SENDERS = Math.floor((MAX_FILTER_INSTRUCTIONS - 2) / PER_SENDER);

/**
 * A filter that keeps frames of exactly these senders (`only`), or of all others (`except`), 8 bytes an instruction in host byte order.
 * Throws for more than {@link MAX_FILTERED_SENDERS}.
 */
export function sourceFilter(frames: 'only' | 'except', senders: readonly MacAddress[]): Uint8Array {
  if (senders.length > MAX_FILTERED_SENDERS)
    throw new RangeError(`link: source filter: found ${senders.length} senders, want at most ${MAX_FILTERED_SENDERS}`);
  const [ofSenders, ofOthers] = frames === 'only' ? [KEEP_WHOLE, 0] : [0, KEEP_WHOLE];
  const loadLow: FilterInstruction = [FILTER_OP.LOAD_WORD, 0, 0, SOURCE_LOW_AT];
  const perSender = senders.flatMap((mac): FilterInstruction[] => {
    const view = new DataView(Uint8Array.from(mac.toBytes()).buffer);
    return [
      [FILTER_OP.IF_EQUAL, 0, PER_SENDER - 1, view.getUint32(SOURCE_LOW_AT - SOURCE_HIGH_AT)],
      [FILTER_OP.LOAD_HALF, 0, 0, SOURCE_HIGH_AT],
      [FILTER_OP.IF_EQUAL, 0, 1, view.getUint16(0)],
      [FILTER_OP.RETURN, 0, 0, ofSenders],
      loadLow,
    ];
  });
  return assembleFilter([loadLow, ...perSender, [FILTER_OP.RETURN, 0, 0, ofOthers]]);
}
