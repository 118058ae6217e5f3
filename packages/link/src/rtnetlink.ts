// SPDX-License-Identifier: Apache-2.0
/** Messages about interfaces and their addresses (rtnetlink(7)) as values. */
import { IpAddress, MacAddress } from '@berth/core';
import { AF, HOST_IS_LITTLE_ENDIAN } from './linux.ts';
import {
  decodeNetlink,
  encodeDumpRequest,
  type NetlinkMessage,
  readAttributes,
  readText,
  readUint32,
  viewOf,
} from './netlink-message.ts';

/** Sizes of struct ifinfomsg and ifaddrmsg, in bytes. */
const LINK_BYTES = 16;
const ADDRESS_BYTES = 8;

const RTM = { NEWLINK: 16, DELLINK: 17, GETLINK: 18, NEWADDR: 20, DELADDR: 21, GETADDR: 22 } as const;
const IFLA = { ADDRESS: 1, IFNAME: 3, MASTER: 10, OPERSTATE: 16, LINKINFO: 18 } as const;
const IFLA_INFO = { KIND: 1, SLAVE_KIND: 4 } as const;
const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
const IFF = { UP: 0x1, BROADCAST: 0x2, LOOPBACK: 0x8, NOARP: 0x80, LOWER_UP: 0x1_0000 } as const;
const IFA_F = { DADFAILED: 0x08, TENTATIVE: 0x40 } as const;
const ARPHRD_ETHER = 1;

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
  | { readonly type: 'interrupted' }
  | { readonly type: 'error'; readonly errno: number };

/** A request for all interfaces or all addresses. */
export function encodeDump(what: 'links' | 'addresses', sequence: number): Uint8Array {
  return encodeDumpRequest(what === 'links' ? RTM.GETLINK : RTM.GETADDR, LINK_BYTES, sequence);
}

/** Reads all messages of a datagram; those of other kinds, and whatever cannot be read, are left out. */
export function decodeRouteMessages(datagram: Uint8Array): RouteMessage[] {
  return decodeNetlink(datagram).flatMap((message) => decodeMessage(message) ?? []);
}

function decodeMessage(message: NetlinkMessage): RouteMessage | undefined {
  if (message.kind === 'done' || message.kind === 'interrupted') return { type: message.kind };
  if (message.kind === 'error') return { type: 'error', errno: message.errno };
  const { type, body } = message;
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

// A bridge speaks about its ports in messages of the same kind (AF_BRIDGE): one that a port has left does not mean that
// the port is gone.
function decodeLink(body: Uint8Array): Link | undefined {
  if (body.length < LINK_BYTES) return undefined;
  const view = viewOf(body);
  if (view.getUint8(0) !== AF.UNSPEC) return undefined;
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
