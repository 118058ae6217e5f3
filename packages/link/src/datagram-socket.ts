// SPDX-License-Identifier: Apache-2.0
/**
 * A UDP socket for one interface and family that speaks with hosts of its segment only. What it sends has a TTL or hop
 * limit of 255, and it takes nothing that has less: a datagram that came through a router does (GTSM, RFC 5082). It
 * takes datagrams of named addresses only.
 */
import { IpAddress, type IpFamily } from '@berth/core';
import { assembleFilter, choose, FILTER_OP, type FilterInstruction, KEEP_WHOLE } from './filter-program.ts';
import {
  AF,
  IP_OPTION,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_OPTION,
  readSocketAddress,
  SO,
  SOCK,
  SOL,
  socketAddress,
} from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';
import { goFirst } from './packet-socket.ts';
import { ReceiveLoop } from './receive-loop.ts';
import { ABOUT_FRAME, NETWORK_HEADER } from './reception-filter.ts';

/** Longest datagram that is kept whole: a heartbeat and what may follow it. */
const SLOT_BYTES = 2048;
const SLOTS = 32;
const BUFFER_BYTES = 1 << 20;
/** TTL and hop limit (RFC 5082, 3), and the class of control traffic, CS6 (RFC 4594, 3.1). */
const GREATEST_TTL = 255;
const CONTROL_CLASS = 0xc0;
/** Addresses that one filter takes. */
export const MAX_DATAGRAM_SOURCES = 1024;
/** Where TTL and the last 4 bytes of the source are in the headers of both families. */
const HEADER = { IPv4: { ttl: 8, source: 12 }, IPv6: { ttl: 7, source: 20 } } as const;

export interface DatagramSocketOptions {
  readonly ifname: string;
  readonly family: IpFamily;
  /** To receive on, to send from, and to send to. */
  readonly port: number;
}

export interface ReceivedDatagram {
  readonly bytes: Uint8Array;
  readonly from: IpAddress;
}

export class DatagramSocket {
  readonly #native: NativeLink;
  readonly #options: DatagramSocketOptions;
  /** Stays this object's. */
  readonly fd: number;
  #loop: ReceiveLoop | undefined;
  #isOpen = true;

  private constructor(native: NativeLink, fd: number, options: DatagramSocketOptions) {
    this.#native = native;
    this.fd = fd;
    this.#options = options;
  }

  /** Takes nothing before {@link takeFrom}. Throws what the system says: `EADDRINUSE` when the port is taken. */
  static open(options: DatagramSocketOptions, native: NativeLink = nativeLink()): DatagramSocket {
    const fd = native.socketOpen(options.family === 'IPv4' ? AF.INET : AF.INET6, SOCK.DGRAM, 0);
    try {
      prepare(native, fd, options);
    } catch (error) {
      native.socketClose(fd);
      throw error;
    }
    return new DatagramSocket(native, fd, options);
  }

  /**
   * Takes datagrams of these addresses from now on, others of the same family are left out. At most {@link
   * MAX_DATAGRAM_SOURCES}.
   */
  takeFrom(sources: readonly IpAddress[]): void {
    this.setFilter(datagramFilter(this.#options.family, sources));
  }

  setFilter(program: Uint8Array): void {
    if (this.#isOpen) this.#native.socketAttachFilter(this.fd, program);
  }

  receive(onDatagram: (datagram: ReceivedDatagram) => void, onError: (error: unknown) => void): void {
    this.#loop = new ReceiveLoop(this.#native, {
      ...{ fd: this.fd, slotBytes: SLOT_BYTES, slots: SLOTS, onError },
      onDatagram: ({ bytes, address }) => {
        const from = readSocketAddress(address);
        if (from) onDatagram({ bytes, from });
      },
    });
    this.#loop.start();
  }

  /** Stops calling back; datagrams wait in the receive buffer, and are lost when it is full. */
  pause(): void {
    this.#loop?.stop();
  }

  resume(): void {
    if (this.#isOpen) this.#loop?.start();
  }

  /**
   * Sends to the same port of an address; false when the kernel has no room at the moment. Throws what the system says.
   */
  send(bytes: Uint8Array, to: IpAddress): boolean {
    return this.#isOpen && this.#native.socketSendTo(this.fd, bytes, socketAddress(to, this.#options.port));
  }

  /** The kernel does not tell of datagrams that it had no room for. */
  takeStatistics(): { readonly dropped: number } {
    return { dropped: 0 };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#loop?.stop();
    this.#native.socketClose(this.fd);
  }
}

function prepare(native: NativeLink, fd: number, { ifname, family, port }: DatagramSocketOptions): void {
  native.socketAttachFilter(fd, datagramFilter(family, []));
  native.socketSetOption(fd, SOL.SOCKET, SO.BINDTODEVICE, new TextEncoder().encode(`${ifname}\0`));
  native.socketSetOption(fd, SOL.SOCKET, SO.RCVBUF, Int32Array.of(BUFFER_BYTES));
  if (family === 'IPv4') {
    native.socketSetOption(fd, IPPROTO_IP, IP_OPTION.TTL, Int32Array.of(GREATEST_TTL));
    native.socketSetOption(fd, IPPROTO_IP, IP_OPTION.TOS, Int32Array.of(CONTROL_CLASS));
  } else {
    native.socketSetOption(fd, IPPROTO_IPV6, IPV6_OPTION.V6ONLY, Int32Array.of(1));
    native.socketSetOption(fd, IPPROTO_IPV6, IPV6_OPTION.UNICAST_HOPS, Int32Array.of(GREATEST_TTL));
    native.socketSetOption(fd, IPPROTO_IPV6, IPV6_OPTION.TCLASS, Int32Array.of(CONTROL_CLASS));
  }
  // After the class, which sets a priority of its own.
  goFirst(native, fd);
  native.socketBind(fd, socketAddress(IpAddress.of(family, 0n), port));
}

/** For this host alone, not through any router, and of one of these sources. */
export function datagramFilter(family: IpFamily, sources: readonly IpAddress[]): Uint8Array {
  if (sources.length > MAX_DATAGRAM_SOURCES)
    throw new RangeError(
      `link: datagram filter: found ${sources.length} sources, want at most ${MAX_DATAGRAM_SOURCES}`,
    );
  const { ttl, source } = HEADER[family];
  const words = sources
    .filter((address) => address.family === family)
    .map((address) => Number(address.value & 0xffff_ffffn));
  const drop: FilterInstruction = [FILTER_OP.RETURN, 0, 0, 0];
  return assembleFilter([
    ...[[FILTER_OP.LOAD_WORD, 0, 0, ABOUT_FRAME.PACKET_TYPE] as const, [FILTER_OP.IF_EQUAL, 1, 0, 0] as const, drop],
    ...[
      [FILTER_OP.LOAD_BYTE, 0, 0, NETWORK_HEADER + ttl] as const,
      [FILTER_OP.IF_EQUAL, 1, 0, GREATEST_TTL] as const,
      drop,
    ],
    [FILTER_OP.LOAD_WORD, 0, 0, NETWORK_HEADER + source],
    ...choose(words, KEEP_WHOLE, 0),
  ]);
}
