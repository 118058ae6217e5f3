// SPDX-License-Identifier: Apache-2.0
/**
 * Messages about interfaces and their addresses (rtnetlink(7)) as values. All numbers are in host byte order; attributes are padded to
 * 4 bytes. The kernel is trusted, yet lengths are checked: a reader of another kernel version must not run off the end.
 */
import { IpAddress, MacAddress } from '@berth/core';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';

/** Sizes of struct nlmsghdr, ifinfomsg, ifaddrmsg and rtattr, in bytes. */
const HEADER_BYTES = 16;
const LINK_BYTES = 16;
const ADDRESS_BYTES = 8;
const ATTRIBUTE_BYTES = 4;

const NLMSG = { ERROR: 2, DONE: 3 } as const;
const RTM = { NEWLINK: 16, DELLINK: 17, GETLINK: 18, NEWADDR: 20, DELADDR: 21, GETADDR: 22 } as const;
const NLM_F = { REQUEST: 0x1, DUMP: 0x300 } as const;
const IFLA = { ADDRESS: 1, IFNAME: 3, MASTER: 10, OPERSTATE: 16, LINKINFO: 18 } as const;
const IFLA_INFO = { KIND: 1, SLAVE_KIND: 4 } as const;
const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
const IFF = { UP: 0x1, BROADCAST: 0x2, LOOPBACK: 0x8, NOARP: 0x80, LOWER_UP: 0x1_0000 } as const;
const IFA_F = { DADFAILED: 0x08, TENTATIVE: 0x40 } as const;
const ARPHRD_ETHER = 1;
/** Type bits of rta_type; the upper two are flags. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/** RFC 2863 operational states, by number (IF_OPER_*). */
const OPER_STATES = ['unknown', 'not-present', 'down', 'lower-layer-down', 'testing', 'dormant', 'up'] as const;
export type OperState = (typeof OPER_STATES)[number];

/** Groups of events: interfaces, IPv4 and IPv6 addresses (RTMGRP_*). */
export const EVENT_GROUPS = 0x1 | 0x10 | 0x100;

/** An interface of this host. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Absent on interfaces without Ethernet addresses. */
  readonly mac: MacAddress | undefined;
  readonly isEthernet: boolean;
  readonly isUp: boolean;
  /** Whether the layer below is up: a cable, a peer. */
  readonly hasCarrier: boolean;
  readonly isLoopback: boolean;
  readonly hasBroadcast: boolean;
  readonly isNoArp: boolean;
  readonly operState: OperState;
  /** Index of the interface that it is a member of. */
  readonly masterIndex: number | undefined;
  /** What kind of master that is: `bridge`, `bond`, `vrf` ... */
  readonly masterKind: string | undefined;
  /** Kind of a virtual interface: `bridge`, `bond`, `vlan`, `veth` ... */
  readonly kind: string | undefined;
}

/** An address of an interface. */
export interface LinkAddress {
  readonly ifindex: number;
  readonly address: IpAddress;
  readonly prefixLength: number;
  /** Whether IPv6 duplicate detection has not succeeded (RFC 4862, 5.4). */
  readonly isTentative: boolean;
}

export type RouteMessage =
  | { readonly type: 'link' | 'link-gone'; readonly link: Link }
  | { readonly type: 'address' | 'address-gone'; readonly address: LinkAddress }
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly errno: number };

/** A request for all interfaces or all addresses. */
export function encodeDump(what: 'links' | 'addresses', sequence: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + LINK_BYTES));
  view.setUint32(0, view.byteLength, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(4, what === 'links' ? RTM.GETLINK : RTM.GETADDR, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(6, NLM_F.REQUEST | NLM_F.DUMP, HOST_IS_LITTLE_ENDIAN);
  view.setUint32(8, sequence, HOST_IS_LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

/** Reads all messages of a datagram; those of other kinds, and whatever cannot be read, are left out. */
export function decodeRouteMessages(datagram: Uint8Array): RouteMessage[] {
  const messages: RouteMessage[] = [];
  for (let offset = 0; offset + HEADER_BYTES <= datagram.length; ) {
    const view = viewOf(datagram.subarray(offset));
    const length = view.getUint32(0, HOST_IS_LITTLE_ENDIAN);
    if (length < HEADER_BYTES || offset + length > datagram.length) break;
    const body = datagram.subarray(offset + HEADER_BYTES, offset + length);
    const message = decodeMessage(view.getUint16(4, HOST_IS_LITTLE_ENDIAN), body);
    if (message) messages.push(message);
    offset += aligned(length);
  }
  return messages;
}

function decodeMessage(type: number, body: Uint8Array): RouteMessage | undefined {
  if (type === NLMSG.DONE) return { type: 'done' };
  if (type === NLMSG.ERROR) return decodeError(body);
  if (type === RTM.NEWLINK || type === RTM.DELLINK) {
    const link = decodeLink(body);
    return link && { type: type === RTM.NEWLINK ? 'link' : 'link-gone', link };
  }
  if (type === RTM.NEWADDR || type === RTM.DELADDR) {
    const address = decodeAddress(body);
    return address && { type: type === RTM.NEWADDR ? 'address' : 'address-gone', address };
  }
  return undefined;
}

// Errors are negative; zero acknowledges, which nobody asked for.
function decodeError(body: Uint8Array): RouteMessage | undefined {
  if (body.length < 4) return undefined;
  const errno = -viewOf(body).getInt32(0, HOST_IS_LITTLE_ENDIAN);
  return errno === 0 ? undefined : { type: 'error', errno };
}

function decodeLink(body: Uint8Array): Link | undefined {
  if (body.length < LINK_BYTES) return undefined;
  const view = viewOf(body);
  const flags = view.getUint32(8, HOST_IS_LITTLE_ENDIAN);
  const attributes = readAttributes(body.subarray(LINK_BYTES));
  const info = readAttributes(attributes.get(IFLA.LINKINFO) ?? new Uint8Array());
  const name = readText(attributes.get(IFLA.IFNAME));
  if (name === undefined) return undefined;
  return {
    index: view.getInt32(4, HOST_IS_LITTLE_ENDIAN),
    name,
    mac: MacAddress.fromBytes(attributes.get(IFLA.ADDRESS) ?? new Uint8Array()),
    isEthernet: view.getUint16(2, HOST_IS_LITTLE_ENDIAN) === ARPHRD_ETHER,
    isUp: (flags & IFF.UP) !== 0,
    hasCarrier: (flags & IFF.LOWER_UP) !== 0,
    isLoopback: (flags & IFF.LOOPBACK) !== 0,
    hasBroadcast: (flags & IFF.BROADCAST) !== 0,
    isNoArp: (flags & IFF.NOARP) !== 0,
    operState: OPER_STATES[attributes.get(IFLA.OPERSTATE)?.[0] ?? 0] ?? 'unknown',
    masterIndex: readUint32(attributes.get(IFLA.MASTER)),
    masterKind: readText(info.get(IFLA_INFO.SLAVE_KIND)),
    kind: readText(info.get(IFLA_INFO.KIND)),
  };
}

function decodeAddress(body: Uint8Array): LinkAddress | undefined {
  if (body.length < ADDRESS_BYTES) return undefined;
  const view = viewOf(body);
  const attributes = readAttributes(body.subarray(ADDRESS_BYTES));
  // On a point-to-point interface IFA_ADDRESS is the peer's; IFA_LOCAL, where present, is always ours.
  const address = IpAddress.fromBytes(attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS) ?? new Uint8Array());
  if (!address) return undefined;
  const flags = readUint32(attributes.get(IFA.FLAGS)) ?? view.getUint8(2);
  return {
    ifindex: view.getInt32(4, HOST_IS_LITTLE_ENDIAN),
    address,
    prefixLength: view.getUint8(1),
    isTentative: (flags & (IFA_F.TENTATIVE | IFA_F.DADFAILED)) !== 0,
  };
}

function readAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  for (let offset = 0; offset + ATTRIBUTE_BYTES <= bytes.length; ) {
    const view = viewOf(bytes.subarray(offset));
    const length = view.getUint16(0, HOST_IS_LITTLE_ENDIAN);
    if (length < ATTRIBUTE_BYTES || offset + length > bytes.length) break;
    const type = view.getUint16(2, HOST_IS_LITTLE_ENDIAN) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + ATTRIBUTE_BYTES, offset + length));
    offset += aligned(length);
  }
  return attributes;
}

function readText(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
}

function readUint32(bytes: Uint8Array | undefined): number | undefined {
  return bytes && bytes.length >= 4 ? viewOf(bytes).getUint32(0, HOST_IS_LITTLE_ENDIAN) : undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
