// SPDX-License-Identifier: Apache-2.0
/**
 * Membership of an Ethernet group on one interface, so that the network card passes its frames on. It lasts as long as
 * it is open (packet(7)); the kernel counts members, so several do not disturb each other. Needs CAP_NET_RAW.
 */
import type { MacAddress } from '@berth/core';
import { AF, HOST_IS_LITTLE_ENDIAN, PACKET_OPTION, SOCK, SOL } from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';

const PACKET_MR_MULTICAST = 0;
const MAC_BYTES = 6;

export class LinkGroup {
  readonly #native: NativeLink;
  readonly #fd: number;
  #isOpen = true;

  private constructor(native: NativeLink, fd: number) {
    this.#native = native;
    this.#fd = fd;
  }

  /** Joins. The socket behind it has no protocol, so it receives nothing itself. */
  static join(ifindex: number, group: MacAddress, native: NativeLink = nativeLink()): LinkGroup {
    const fd = native.socketOpen(AF.PACKET, SOCK.RAW, 0);
    try {
      native.socketSetOption(fd, SOL.PACKET, PACKET_OPTION.ADD_MEMBERSHIP, multicastMembership(ifindex, group));
    } catch (error) {
      native.socketClose(fd);
      throw error;
    }
    return new LinkGroup(native, fd);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#native.socketClose(this.#fd);
  }
}

/** struct packet_mreq: interface, type, length of the address, room for 8 bytes of it. */
function multicastMembership(ifindex: number, group: MacAddress): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, ifindex, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(4, PACKET_MR_MULTICAST, HOST_IS_LITTLE_ENDIAN);
  view.setUint16(6, MAC_BYTES, HOST_IS_LITTLE_ENDIAN);
  bytes.set(group.toBytes(), 8);
  return bytes;
}
