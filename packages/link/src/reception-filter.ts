// SPDX-License-Identifier: Apache-2.0
/**
 * The one place that says which frames belong to the segment of an interface, for every reader of a packet socket in
 * TypeScript. The kernel hands a socket that is bound to a trunk also frames of its VLANs: those of a VLAN device under
 * the index of that device, and those that no device takes as frames for another host. So only frames count that were
 * delivered to this very interface, without a tag or with a priority tag (VLAN 0, IEEE 802.1Q), and that are for this
 * host, for all, or for a group that the reader names.
 *
 * It is a program of the classic packet filter that goes before the reader's own; what it refuses takes no room in a
 * receive buffer.
 */
import type { MacAddress } from '@berth/core';
import { assembleFilter, FILTER_OP, type FilterInstruction, KEEP_WHOLE } from './filter-program.ts';
import { PACKET_TYPES } from './linux.ts';

export interface Reception {
  readonly ifindex: number;
  /**
   * EtherType of the frames that count, for a socket that reads those of all protocols. Default: whatever the socket is
   * bound to.
   */
  readonly protocol?: number;
  /** Groups whose frames count; broadcasts always do. Default: every group that the network card passes on. */
  readonly groups?: readonly MacAddress[];
}

/** Facts about a frame that are not in it (<linux/filter.h>, SKF_AD_*). */
export const ABOUT_FRAME = {
  PROTOCOL: 0xffff_f000,
  PACKET_TYPE: 0xffff_f000 + 4,
  IFINDEX: 0xffff_f000 + 8,
  VLAN_TAG: 0xffff_f000 + 44,
  HAS_VLAN_TAG: 0xffff_f000 + 48,
} as const;
/** Before an offset: it counts from the IP header, wherever the program is attached (SKF_NET_OFF). */
export const NETWORK_HEADER = 0xfff0_0000;
const VLAN_ID = 0xfff;
const MULTICAST = PACKET_TYPES.indexOf('multicast');
/** Where the last 4 bytes of the destination begin, in a frame and in the address itself. */
const LAST_WORD = 2;

const DROP: FilterInstruction = [FILTER_OP.RETURN, 0, 0, 0];

/** The reader's program, or all frames without one, with the check of where they come from before it. */
export function receptionFilter(reception: Reception, program?: Uint8Array): Uint8Array {
  const { ifindex, groups, protocol } = reception;
  // First of all, since nearly every frame that a tap sees ends here.
  const wanted = protocol === undefined ? [] : ofProtocol(protocol);
  const before = assembleFilter([...wanted, ...ofInterface(ifindex), ...untagged(), ...addressed(groups)]);
  const rest = program ?? assembleFilter([[FILTER_OP.RETURN, 0, 0, KEEP_WHOLE]]);
  const whole = new Uint8Array(before.length + rest.length);
  whole.set(before);
  whole.set(rest, before.length);
  return whole;
}

function ofProtocol(protocol: number): FilterInstruction[] {
  return [[FILTER_OP.LOAD_WORD, 0, 0, ABOUT_FRAME.PROTOCOL], [FILTER_OP.IF_EQUAL, 1, 0, protocol], DROP];
}

function ofInterface(ifindex: number): FilterInstruction[] {
  return [[FILTER_OP.LOAD_WORD, 0, 0, ABOUT_FRAME.IFINDEX], [FILTER_OP.IF_EQUAL, 1, 0, ifindex], DROP];
}

function untagged(): FilterInstruction[] {
  return [
    [FILTER_OP.LOAD_WORD, 0, 0, ABOUT_FRAME.HAS_VLAN_TAG],
    [FILTER_OP.IF_EQUAL, 3, 0, 0],
    [FILTER_OP.LOAD_WORD, 0, 0, ABOUT_FRAME.VLAN_TAG],
    [FILTER_OP.IF_ANY_BIT, 0, 1, VLAN_ID],
    DROP,
  ];
}

// Types in the order of the kernel: host, broadcast and multicast come first. The last 4 bytes tell groups apart: all
// begin with 01:00:5e or 33:33.
function addressed(groups: readonly MacAddress[] | undefined): FilterInstruction[] {
  const type: FilterInstruction[] = [
    [FILTER_OP.LOAD_WORD, 0, 0, ABOUT_FRAME.PACKET_TYPE],
    [FILTER_OP.IF_ABOVE, 0, 1, MULTICAST],
    DROP,
  ];
  if (groups === undefined) return type;
  const comparisons = groups.map((group, index): FilterInstruction => {
    const end = new DataView(Uint8Array.from(group.toBytes()).buffer).getUint32(LAST_WORD);
    return [FILTER_OP.IF_EQUAL, groups.length - index, 0, end];
  });
  const skip = comparisons.length + 2;
  return [
    ...type,
    [FILTER_OP.IF_EQUAL, 0, skip, MULTICAST],
    [FILTER_OP.LOAD_WORD, 0, 0, LAST_WORD],
    ...comparisons,
    DROP,
  ];
}
