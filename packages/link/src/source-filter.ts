// SPDX-License-Identifier: Apache-2.0
/**
 * Programs of the classic packet filter (bpf(4), the kernel's filter.rst) that sort frames by the MAC address of their sender. They let a
 * socket for known senders go undisturbed while strangers flood another.
 */
import type { MacAddress } from '@berth/core';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

/** Opcodes: load 4 or 2 bytes of the frame, compare with a constant, end. */
const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const INSTRUCTION_BYTES = 8;
/** The kernel takes no longer program (BPF_MAXINSNS). */
const MAX_INSTRUCTIONS = 4096;
const PER_SENDER = 5;

/** Where the sender's MAC address is in an Ethernet frame: its first 2 and its last 4 bytes. */
const SOURCE_HIGH_AT = 6;
const SOURCE_LOW_AT = 8;
/** Values of `ret`: bytes of the frame to keep. */
const KEEP = 0x4_0000;
const DROP = 0;

/** Senders that fit into one program. */
export const MAX_FILTERED_SENDERS = Math.floor((MAX_INSTRUCTIONS - 2) / PER_SENDER);

type Instruction = readonly [opcode: number, ifEqual: number, ifNot: number, operand: number];

/**
 * A filter that keeps frames of exactly these senders (`only`), or of all others (`except`), 8 bytes an instruction in host byte order.
 * Throws for more than {@link MAX_FILTERED_SENDERS}.
 */
export function sourceFilter(frames: 'only' | 'except', senders: readonly MacAddress[]): Uint8Array {
  if (senders.length > MAX_FILTERED_SENDERS)
    throw new RangeError(`link: source filter: found ${senders.length} senders, want at most ${MAX_FILTERED_SENDERS}`);
  const [ofSenders, ofOthers] = frames === 'only' ? [KEEP, DROP] : [DROP, KEEP];
  const loadLow: Instruction = [LOAD_WORD, 0, 0, SOURCE_LOW_AT];
  const perSender = senders.flatMap((mac): Instruction[] => {
    const view = new DataView(Uint8Array.from(mac.toBytes()).buffer);
    return [
      [JUMP_IF_EQUAL, 0, PER_SENDER - 1, view.getUint32(SOURCE_LOW_AT - SOURCE_HIGH_AT)],
      [LOAD_HALF, 0, 0, SOURCE_HIGH_AT],
      [JUMP_IF_EQUAL, 0, 1, view.getUint16(0)],
      [RETURN, 0, 0, ofSenders],
      loadLow,
    ];
  });
  return encode([loadLow, ...perSender, [RETURN, 0, 0, ofOthers]]);
}

function encode(program: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(program.length * INSTRUCTION_BYTES));
  for (const [index, [opcode, ifEqual, ifNot, operand]] of program.entries()) {
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, opcode, HOST_IS_LITTLE_ENDIAN);
    view.setUint8(at + 2, ifEqual);
    view.setUint8(at + 3, ifNot);
    view.setUint32(at + 4, operand, HOST_IS_LITTLE_ENDIAN);
  }
  return new Uint8Array(view.buffer);
}
