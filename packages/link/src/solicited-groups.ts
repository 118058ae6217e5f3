// SPDX-License-Identifier: Apache-2.0
/**
 * Membership in the solicited-node groups of IPv6 VIPs (RFC 4291, 2.7.1). The kernel reports it (MLD), so that switches
 * which snoop let the questions through, and the network card takes them in. It takes the same calls as the responder.
 * Needs no capability.
 */
import { type IpAddress, solicitedNodeGroups } from '@berth/core';
import { Signal } from '@berth/runtime';
import type { AnsweredRow } from './answering.ts';
import { AF, IPPROTO_IPV6, IPV6_OPTION, ipv6Membership, SOCK } from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';

/** Groups that one socket joins: the kernel's default limit for the options of a socket has room for about 200. */
const GROUPS_PER_SOCKET = 100;

interface Membership {
  readonly group: IpAddress;
  readonly ifindex: number;
  readonly socket: MembershipSocket;
}

interface MembershipSocket {
  readonly fd: number;
  joined: number;
}

/** The groups that this process has joined. The kernel leaves them when the process ends. */
export class SolicitedGroups {
  /** A group could not be joined (IPv6 may be switched off there). The next change of any kind tries again. */
  readonly failures = new Signal<[group: IpAddress, ifindex: number, error: unknown]>();
  readonly #native: NativeLink;
  readonly #attached = new Set<number>();
  readonly #memberships = new Map<string, Membership>();
  readonly #sockets: MembershipSocket[] = [];
  #rows: readonly AnsweredRow[] = [];

  constructor(native: NativeLink = nativeLink()) {
    this.#native = native;
  }

  /** Joins on an interface the groups of the VIPs that are answered there. */
  attach(ifindex: number): void {
    if (this.#attached.has(ifindex)) return;
    this.#attached.add(ifindex);
    this.#follow();
  }

  detach(ifindex: number): void {
    this.#attached.delete(ifindex);
    this.#follow();
  }

  /** Is a member of exactly the groups of these VIPs from now on; VIPs with the same group share one membership. */
  replace(rows: readonly AnsweredRow[]): void {
    this.#rows = rows;
    this.#follow();
  }

  /** Leaves all groups. */
  close(): void {
    for (const { fd } of this.#sockets) this.#native.socketClose(fd);
    this.#sockets.length = 0;
    this.#memberships.clear();
    this.#attached.clear();
    this.#rows = [];
  }

  #follow(): void {
    const wanted = new Map<string, { group: IpAddress; ifindex: number }>();
    for (const ifindex of this.#attached) {
      const vips = this.#rows.filter((row) => row.ifindexes.includes(ifindex)).map((row) => row.vip);
      for (const group of solicitedNodeGroups(vips)) wanted.set(`${ifindex} ${group}`, { group, ifindex });
    }
    for (const [key, membership] of this.#memberships) if (!wanted.has(key)) this.#leave(key, membership);
    for (const [key, { group, ifindex }] of wanted) if (!this.#memberships.has(key)) this.#join(key, group, ifindex);
  }

  #join(key: string, group: IpAddress, ifindex: number): void {
    try {
      const socket = this.#socketWithRoom();
      const membership = ipv6Membership(group.toBytes(), ifindex);
      this.#native.socketSetOption(socket.fd, IPPROTO_IPV6, IPV6_OPTION.ADD_MEMBERSHIP, membership);
      socket.joined += 1;
      this.#memberships.set(key, { group, ifindex, socket });
    } catch (error) {
      this.failures.emit(group, ifindex, error);
    }
  }

  #leave(key: string, { group, ifindex, socket }: Membership): void {
    this.#memberships.delete(key);
    socket.joined -= 1;
    try {
      const membership = ipv6Membership(group.toBytes(), ifindex);
      this.#native.socketSetOption(socket.fd, IPPROTO_IPV6, IPV6_OPTION.DROP_MEMBERSHIP, membership);
    } catch {
      // The interface is gone, and its memberships with it.
    }
  }

  #socketWithRoom(): MembershipSocket {
    const known = this.#sockets.find((socket) => socket.joined < GROUPS_PER_SOCKET);
    if (known) return known;
    const socket = { fd: this.#native.socketOpen(AF.INET6, SOCK.DGRAM, 0), joined: 0 };
    this.#sockets.push(socket);
    return socket;
  }
}
