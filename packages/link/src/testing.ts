// SPDX-License-Identifier: Apache-2.0
/** Fakes for the tests of this package. */
import { FILTER_OP } from './filter-program.ts';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

/** What the kernel knows of a frame beside its bytes. */
export interface FrameFacts {
  readonly packetType: number;
  readonly ifindex: number;
  /** EtherType, without a tag. Default: what stands behind the MAC addresses. */
  readonly protocol?: number;
  /** The tag control information of IEEE 802.1Q; undefined: none. */
  readonly vlanTag?: number;
}

/** Where the facts about a frame begin, and their offsets from there (<linux/filter.h>). */
const FACTS_AT = 0xffff_f000;
const PROTOCOL_AT = 12;

function factOf({ packetType, ifindex, vlanTag, protocol = 0 }: FrameFacts, offset: number): number {
  const facts: Readonly<Record<number, number>> = {
    0: protocol,
    4: packetType,
    8: ifindex,
    44: vlanTag ?? 0,
    48: vlanTag === undefined ? 0 : 1,
  };
  const fact = facts[offset];
  if (fact === undefined) throw new Error(`no fact at ${offset}`);
  return fact;
}

/** Runs a packet filter on a frame as bpf(4) says, as far as this package uses it; returns what it returns. */
export function runFilter(
  program: Uint8Array,
  frame: Uint8Array,
  facts: FrameFacts = { packetType: 0, ifindex: 1 },
): number {
  const code = new DataView(program.buffer);
  const view = new DataView(frame.buffer);
  const known = { protocol: view.getUint16(PROTOCOL_AT), ...facts };
  let accumulator = 0;
  for (let at = 0; ; at += 8) {
    const constant = code.getUint32(at + 4, HOST_IS_LITTLE_ENDIAN);
    const jump = (isTrue: boolean) => 8 * code.getUint8(at + (isTrue ? 2 : 3));
    switch (code.getUint16(at, HOST_IS_LITTLE_ENDIAN)) {
      case FILTER_OP.LOAD_WORD:
        accumulator = constant < FACTS_AT ? view.getUint32(constant) : factOf(known, constant - FACTS_AT);
        break;
      case FILTER_OP.LOAD_HALF:
        accumulator = view.getUint16(constant);
        break;
      case FILTER_OP.LOAD_BYTE:
        accumulator = view.getUint8(constant);
        break;
      case FILTER_OP.JUMP:
        at += 8 * constant;
        break;
      case FILTER_OP.IF_EQUAL:
        at += jump(accumulator === constant);
        break;
      case FILTER_OP.IF_ABOVE:
        at += jump(accumulator > constant);
        break;
      case FILTER_OP.IF_AT_LEAST:
        at += jump(accumulator >= constant);
        break;
      case FILTER_OP.IF_ANY_BIT:
        at += jump((accumulator & constant) !== 0);
        break;
      default:
        return constant;
    }
  }
}
