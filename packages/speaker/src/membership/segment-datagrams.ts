// SPDX-License-Identifier: Apache-2.0
/**
 * Heartbeats as datagrams on one segment: a socket for each family that the interface has, open only where the port can
 * be had. A datagram is the heartbeat without its Ethernet header; one byte more behind it says that the sender needs
 * datagrams.
 */
import { HEARTBEAT_OFFSET, type IpAddress, type IpFamily } from '@berth/core';
import {
  DatagramSocket,
  type DatagramSocketOptions,
  MAX_DATAGRAM_SOURCES,
  type ReceivedDatagram,
  type Throttleable,
  ThrottledSocket,
} from '@berth/link';
import type { Clock, Timer } from '@berth/runtime';

/**
 * Datagrams that are read in one window beside those of a heartbeat each of all who may send: anybody on the segment
 * can write their addresses.
 */
const PER_WINDOW = 64;
const WINDOW_MS = 25;
const NEEDS = 1;
const OPEN_AGAIN_MS = 10_000;
const ETHERNET_HEADER_BYTES = 14;

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

export interface SegmentDatagramsOptions {
  readonly ifname: string;
  readonly port: number;
  readonly clock: Clock;
  /**
   * No socket could be had for a family, which is tried again every ten seconds and reported once; or no filter for all
   * that are named.
   */
  onFailed(error: unknown): void;
  /** A socket was had later: the descriptors are others now. */
  onOpened(): void;
  /** Default: a UDP socket. */
  readonly openSocket?: (options: DatagramSocketOptions) => UdpSocket;
}

/** The part of a UDP socket that is used. */
export type UdpSocket = Pick<DatagramSocket, 'fd' | 'takeFrom' | 'send'> & Throttleable<ReceivedDatagram>;

/** A heartbeat as it came. */
export interface ArrivedDatagram {
  readonly bytes: Uint8Array;
  readonly from: IpAddress;
  /** Whether its sender needs datagrams. */
  readonly needs: boolean;
}

interface Receiver {
  readonly onDatagram: (datagram: ArrivedDatagram) => void;
  readonly onError: (error: unknown) => void;
}

export class SegmentDatagrams {
  readonly #options: SegmentDatagramsOptions;
  readonly #sockets = new Map<IpFamily, UdpSocket>();
  readonly #readers: ThrottledSocket<ReceivedDatagram>[] = [];
  #sources: readonly IpAddress[] = [];
  #receiver: Receiver | undefined;
  #again: Timer | undefined;

  constructor(options: SegmentDatagramsOptions) {
    this.#options = options;
    this.#openMissing((error) => options.onFailed(error));
  }

  // Another process may have the port for now, and IPv6 may come to the interface later.
  #openMissing(onFailed: (error: unknown) => void): void {
    const missing = FAMILIES.filter((family) => !this.#sockets.has(family));
    for (const family of missing) this.#open(family, onFailed);
    if (this.#sockets.size < FAMILIES.length)
      this.#again = this.#options.clock.after(OPEN_AGAIN_MS, () => this.#openAgain());
  }

  #openAgain(): void {
    const before = this.#sockets.size;
    // It has been reported once.
    this.#openMissing(() => {});
    if (this.#sockets.size === before) return;
    this.takeFrom(this.#sources);
    this.#options.onOpened();
  }

  #open(family: IpFamily, onFailed: (error: unknown) => void): void {
    const { ifname, port, clock, openSocket = DatagramSocket.open } = this.#options;
    try {
      const socket = openSocket({ ifname, family, port });
      const reader = new ThrottledSocket({ socket, clock, perWindow: 4 * PER_WINDOW, windowMs: WINDOW_MS });
      this.#sockets.set(family, socket);
      this.#readers.push(reader);
      this.#read(reader);
    } catch (error) {
      onFailed(error);
    }
  }

  /** The sockets to send from, by family. */
  get descriptors(): { readonly fd4: number | undefined; readonly fd6: number | undefined } {
    return { fd4: this.#sockets.get('IPv4')?.fd, fd6: this.#sockets.get('IPv6')?.fd };
  }

  /**
   * Takes datagrams of these addresses from now on. Never throws: without room for all of them it takes those of as
   * many as there is room for.
   */
  takeFrom(sources: readonly IpAddress[]): void {
    this.#sources = sources;
    for (const [family, socket] of this.#sockets) {
      const ours = sources.filter((one) => one.family === family).slice(0, MAX_DATAGRAM_SOURCES);
      try {
        socket.takeFrom(ours);
      } catch (error) {
        // ENOMEM: of some hundred addresses, where net.core.optmem_max is what it was before Linux 6.8.
        this.#options.onFailed(error);
        takeSome(socket, ours);
      }
    }
  }

  receive(onDatagram: (datagram: ArrivedDatagram) => void, onError: (error: unknown) => void): void {
    this.#receiver = { onDatagram, onError };
    for (const reader of this.#readers) this.#read(reader);
  }

  #read(reader: ThrottledSocket<ReceivedDatagram>): void {
    if (this.#receiver === undefined) return;
    const { onDatagram, onError } = this.#receiver;
    reader.receive(({ bytes, from }) => onDatagram({ bytes, from, needs: doesNeed(bytes) }), onError);
  }

  /**
   * Sends a frame without its Ethernet header; false when it could not be. A host that is not there, or refuses, is no
   * error.
   */
  send(frame: Uint8Array, { address, needs }: { readonly address: IpAddress; readonly needs: boolean }): boolean {
    const payload = frame.subarray(ETHERNET_HEADER_BYTES);
    try {
      const bytes = needs ? Uint8Array.from([...payload, NEEDS]) : payload;
      return this.#sockets.get(address.family)?.send(bytes, address) ?? false;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#again?.cancel();
    for (const reader of this.#readers) reader.close();
  }
}

// The filter of before takes room as well until the new one is there.
function takeSome(socket: UdpSocket, sources: readonly IpAddress[]): void {
  for (let some = sources; ; some = some.slice(0, some.length / 2)) {
    try {
      socket.takeFrom([]);
      socket.takeFrom(some);
      return;
    } catch {
      if (some.length === 0) return;
    }
  }
}

function doesNeed(bytes: Uint8Array): boolean {
  if (bytes.length <= HEARTBEAT_OFFSET.CLUSTER) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint16(HEARTBEAT_OFFSET.LENGTH);
  return bytes[length] === NEEDS;
}
