// SPDX-License-Identifier: Apache-2.0
/**
 * A filter for packet sockets (classic BPF, bpf(4)) that lets only those frames through which may say something about one of a few
 * addresses. Without it every ARP question of the LAN would wake JavaScript. It looks at 32 bits of an IPv6 address, so what
 * passes is still to be decoded and compared.
 */
import type { IpAddress, IpFamily } from '@berth/core';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

/** Most addresses of one filter, since a jump of classic BPF leads over 255 instructions at most. */
export const MAX_FILTERED_ADDRESSES = 100;

const INSTRUCTION_BYTES = 8;
/** Instruction codes of <linux/bpf_common.h>: load a word or a byte at an offset, compare with a constant, return. */
const OP = { LOAD_WORD: 0x20, LOAD_BYTE: 0x30, JUMP_EQUAL: 0x15, RETURN: 0x06 } as const;
const WHOLE_FRAME = 0x4_0000;
/** Offsets from the start of the Ethernet header. Addresses of IPv6: their last 4 bytes. */
const ARP = { SENDER: 28, TARGET: 38 } as const;
const IPV6 = { NEXT_HEADER: 20, SOURCE_END: 34, ICMP_TYPE: 54, TARGET_END: 74 } as const;
const ICMPV6 = 58;
const NDP = { SOLICITATION: 135, ADVERTISEMENT: 136 } as const;

/** One step of the program: an instruction whose jumps name labels, or such a label. */
type Step =
  | { readonly load: 'word' | 'byte'; readonly offset: number }
  /** Goes to the label when the loaded value is this, else to the next step, or to `otherwise`. */
  | { readonly equals: number; readonly goto: string; readonly otherwise?: string }
  | { readonly label: string }
  | { readonly pass: boolean };

/**
 * The program for the frames of one family, 8 bytes an instruction: what comes from one of the addresses, advertises it, or looks
 * whether it is free. For more than {@link MAX_FILTERED_ADDRESSES} it lets everything through.
 */
export function claimFilter(family: IpFamily, addresses: readonly IpAddress[]): Uint8Array {
  const keys = [...new Set(addresses.map(({ value }) => Number(value & 0xffff_ffffn)))];
  if (keys.length > MAX_FILTERED_ADDRESSES) return assemble([{ pass: true }]);
  const matches: Step[] = keys.map((equals) => ({ equals, goto: 'pass' }));
  const steps = family === 'IPv4' ? arpSteps(matches) : ndpSteps(matches);
  return assemble([...steps, { pass: false }, { label: 'pass' }, { pass: true }]);
}

// A question about the address by somebody who has one says nothing; by somebody without it is a probe.
function arpSteps(matches: readonly Step[]): Step[] {
  return [
    { load: 'word', offset: ARP.SENDER },
    { equals: 0, goto: 'probe' },
    ...matches,
    { pass: false },
    { label: 'probe' },
    { load: 'word', offset: ARP.TARGET },
    ...matches,
  ];
}

function ndpSteps(matches: readonly Step[]): Step[] {
  return [
    { load: 'byte', offset: IPV6.NEXT_HEADER },
    { equals: ICMPV6, goto: 'icmp', otherwise: 'drop' },
    { label: 'icmp' },
    { load: 'byte', offset: IPV6.ICMP_TYPE },
    { equals: NDP.ADVERTISEMENT, goto: 'target' },
    { equals: NDP.SOLICITATION, goto: 'solicitation', otherwise: 'drop' },
    { label: 'solicitation' },
    { load: 'word', offset: IPV6.SOURCE_END },
    { equals: 0, goto: 'target' },
    ...matches,
    { label: 'drop' },
    { pass: false },
    { label: 'target' },
    { load: 'word', offset: IPV6.TARGET_END },
    ...matches,
  ];
}

function assemble(steps: readonly Step[]): Uint8Array {
  const positions = new Map<string, number>();
  let position = 0;
  for (const step of steps) {
    if ('label' in step) positions.set(step.label, position);
    else position += 1;
  }
  const view = new DataView(new ArrayBuffer(position * INSTRUCTION_BYTES));
  let index = 0;
  for (const step of steps) {
    if ('label' in step) continue;
    writeInstruction(view, { index, step, positions });
    index += 1;
  }
  return new Uint8Array(view.buffer);
}

interface Placed {
  readonly index: number;
  readonly step: Exclude<Step, { readonly label: string }>;
  readonly positions: ReadonlyMap<string, number>;
}

// struct sock_filter: code (2 bytes), jumps if true and if false (1 byte each, counted from the next instruction), a constant.
function writeInstruction(view: DataView, { index, step, positions }: Placed): void {
  const start = index * INSTRUCTION_BYTES;
  const jump = (label: string | undefined) => (label === undefined ? 0 : (positions.get(label) ?? 0) - index - 1);
  const write = (code: number, constant: number, jumps: readonly [number, number] = [0, 0]) => {
    view.setUint16(start, code, HOST_IS_LITTLE_ENDIAN);
    view.setUint8(start + 2, jumps[0]);
    view.setUint8(start + 3, jumps[1]);
    view.setUint32(start + 4, constant, HOST_IS_LITTLE_ENDIAN);
  };
  if ('load' in step) write(step.load === 'word' ? OP.LOAD_WORD : OP.LOAD_BYTE, step.offset);
  else if ('pass' in step) write(OP.RETURN, step.pass ? WHOLE_FRAME : 0);
  else write(OP.JUMP_EQUAL, step.equals, [jump(step.goto), jump(step.otherwise)]);
}
