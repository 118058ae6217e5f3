// SPDX-License-Identifier: Apache-2.0
/** Programs of the classic packet filter as the kernel takes them (bpf(4), struct sock_filter). */
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

/** Instruction codes of <linux/bpf_common.h>. */
export const FILTER_OP = {
  LOAD_WORD: 0x20,
  LOAD_HALF: 0x28,
  LOAD_BYTE: 0x30,
  IF_EQUAL: 0x15,
  IF_ABOVE: 0x25,
  IF_AT_LEAST: 0x35,
  /** Any of these bits is set. */
  IF_ANY_BIT: 0x45,
  JUMP: 0x05,
  RETURN: 0x06,
} as const;
/** Value of a return that keeps all of a frame; 0 drops it. */
export const KEEP_WHOLE = 0x4_0000;
const INSTRUCTION_BYTES = 8;

/** Jumps count from the next instruction, up to 255; the unconditional one by its constant. */
export type FilterInstruction = readonly [code: number, ifTrue: number, ifFalse: number, constant: number];

/** 8 bytes an instruction in host byte order. */
export function assembleFilter(program: readonly FilterInstruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(program.length * INSTRUCTION_BYTES));
  for (const [index, [code, ifTrue, ifFalse, constant]] of program.entries()) {
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, code, HOST_IS_LITTLE_ENDIAN);
    view.setUint8(at + 2, ifTrue);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, constant, HOST_IS_LITTLE_ENDIAN);
  }
  return new Uint8Array(view.buffer);
}

/** Comparisons that can jump to one return. */
const GROUP = 255;

/**
 * Returns one value for what was loaded when it is one of these words, and another for all others. Little more than an
 * instruction for each word.
 */
export function choose(words: readonly number[], ofThese: number, ofOthers: number): FilterInstruction[] {
  const program: FilterInstruction[] = [];
  for (let start = 0; start < words.length; start += GROUP) {
    const group = words.slice(start, start + GROUP);
    // Each goes to the instruction behind the jump, which others take past that one.
    for (const [index, word] of group.entries()) program.push([FILTER_OP.IF_EQUAL, group.length - index, 0, word]);
    program.push([FILTER_OP.JUMP, 0, 0, 1], [FILTER_OP.RETURN, 0, 0, ofThese]);
  }
  return [...program, [FILTER_OP.RETURN, 0, 0, ofOthers]];
}
