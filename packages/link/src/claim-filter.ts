// SPDX-License-Identifier: Apache-2.0
/**
 * A filter for packet sockets (classic BPF, bpf(4)) that lets only those frames through which may say something about
 * one of a few addresses. Without it every ARP question of the LAN would wake JavaScript. It looks at 32 bits of an
 * IPv6 address, so what passes is still to be decoded and compared.
 */
import type { IpAddress, IpFamily } from '@berth/core';
import { assembleFilter, FILTER_OP, type FilterInstruction, KEEP_WHOLE } from './filter-program.ts';

/** Most addresses of one filter, since a jump of classic BPF leads over 255 instructions at most. */
export const MAX_FILTERED_ADDRESSES = 100;

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
 * The program for the frames of one family, 8 bytes an instruction: what comes from one of the addresses, advertises
 * it, or looks whether it is free. For more than {@link MAX_FILTERED_ADDRESSES} it lets everything through.
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
  const program: FilterInstruction[] = [];
  for (const step of steps) if (!('label' in step)) program.push(instructionOf(step, program.length, positions));
  return assembleFilter(program);
}

function instructionOf(
  step: Exclude<Step, { readonly label: string }>,
  index: number,
  positions: ReadonlyMap<string, number>,
): FilterInstruction {
  const jump = (label: string | undefined) => (label === undefined ? 0 : (positions.get(label) ?? 0) - index - 1);
  if ('load' in step) return [step.load === 'word' ? FILTER_OP.LOAD_WORD : FILTER_OP.LOAD_BYTE, 0, 0, step.offset];
  if ('pass' in step) return [FILTER_OP.RETURN, 0, 0, step.pass ? KEEP_WHOLE : 0];
  return [FILTER_OP.IF_EQUAL, jump(step.goto), jump(step.otherwise), step.equals];
}
