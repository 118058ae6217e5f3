// SPDX-License-Identifier: Apache-2.0
/** A packet socket for JavaScript: whole Ethernet frames of one interface (packet(7)). Needs CAP_NET_RAW. */
import type { MacAddress } from '@berth/core';
import {
  AF,
  ALL_PROTOCOLS,
  CONTROL_PRIORITY,
  INTERACTIVE_PRIORITY,
  PACKET_OPTION,
  type PacketType,
  packetAddress,
  promiscuousMembership,
  readPacketAddress,
  SO,
  SOCK,
  SOL,
} from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';
import { type Datagram, ReceiveLoop } from './receive-loop.ts';
import { receptionFilter } from './reception-filter.ts';

/** Longest frame that is kept whole: 1500 bytes of payload, header and a tag, rounded up. */
const SLOT_BYTES = 2048;
const SLOTS = 32;

export interface PacketSocketOptions {
  readonly ifindex: number;
  /** EtherType of the frames that are received. */
  readonly protocol: number;
  /** Classic BPF program, 8 bytes an instruction in host byte order. Default: every frame of the protocol. */
  readonly filter?: Uint8Array;
  /** Groups whose frames are received; broadcasts always are. Default: every group that the network card passes on. */
  readonly groups?: readonly MacAddress[];
  /**
   * `own`: frames of the segment of this interface that are for this host, a group or all (reception-filter.ts).
   * `promiscuous`: whatever the interface sees, frames for other hosts and of other VLANs too. Default: 'own'.
   */
  readonly frames?: 'own' | 'promiscuous';
  /**
   * Whether frames are read before the programs and filters at the ingress of the interface, which may take them away:
   * the program that answers takes questions for VIPs. Costs a few instructions for each frame of the interface, of
   * whatever protocol. Default: false.
   */
  readonly isTap?: boolean;
  /** `control`: what is sent goes before all other traffic in the queues of this host. Default: as any other frame. */
  readonly priority?: 'control';
  /** Size of the receive buffer in bytes; the kernel may give less. Default: the system's. */
  readonly receiveBufferBytes?: number;
}

/** A frame as it was received, Ethernet header first. */
export interface ReceivedFrame {
  readonly bytes: Uint8Array;
  readonly ifindex: number;
  readonly packetType: PacketType;
}

export interface PacketStatistics {
  readonly received: number;
  /** Frames lost because the receive buffer was full. */
  readonly dropped: number;
}

/** One open socket. Frames that this host sends are not received. */
export class PacketSocket {
  readonly #native: NativeLink;
  readonly #fd: number;
  readonly #options: PacketSocketOptions;
  #loop: ReceiveLoop | undefined;
  #isOpen = true;

  private constructor(native: NativeLink, fd: number, options: PacketSocketOptions) {
    this.#native = native;
    this.#fd = fd;
    this.#options = options;
  }

  /** Opens, filters and binds, in this order, so that nothing is received before the filter is set. */
  static open(options: PacketSocketOptions, native: NativeLink = nativeLink()): PacketSocket {
    const fd = native.socketOpen(AF.PACKET, SOCK.RAW, 0);
    try {
      prepare(native, fd, options);
    } catch (error) {
      native.socketClose(fd);
      throw error;
    }
    return new PacketSocket(native, fd, options);
  }

  /**
   * Calls back for each frame. Errors of the socket (`ENETDOWN`) go to the second callback; the socket recovers with
   * its link.
   */
  receive(onFrame: (frame: ReceivedFrame) => void, onError: (error: unknown) => void): void {
    const onDatagram = (datagram: Datagram) =>
      onFrame({ bytes: datagram.bytes, ...readPacketAddress(datagram.address) });
    this.#loop = new ReceiveLoop(this.#native, {
      fd: this.#fd,
      slotBytes: SLOT_BYTES,
      slots: SLOTS,
      onDatagram,
      onError,
    });
    this.#loop.start();
  }

  /** Stops calling back; frames wait in the receive buffer, and are lost when it is full. */
  pause(): void {
    this.#loop?.stop();
  }

  /** Goes on after {@link PacketSocket.pause}. */
  resume(): void {
    if (this.#isOpen) this.#loop?.start();
  }

  /** Calls back for the frames that wait, unless it is paused. */
  drain(): void {
    this.#loop?.drain();
  }

  /**
   * Puts another filter in the place of the one before, without a gap; frames that wait already were chosen by that.
   */
  setFilter(program: Uint8Array): void {
    if (this.#isOpen) this.#native.socketAttachFilter(this.#fd, filterOf(this.#options, program) ?? program);
  }

  /** Sends a whole frame; false when the kernel has no room at the moment or the socket is closed. */
  send(frame: Uint8Array): boolean {
    return this.#isOpen && this.#native.socketSend(this.#fd, frame);
  }

  /** Counters since the last call. */
  takeStatistics(): PacketStatistics {
    const counters = new Uint32Array(2);
    this.#native.socketGetOption(this.#fd, SOL.PACKET, PACKET_OPTION.STATISTICS, counters);
    const [received = 0, dropped = 0] = counters;
    return { received, dropped };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#loop?.stop();
    this.#native.socketClose(this.#fd);
  }
}

function prepare(native: NativeLink, fd: number, options: PacketSocketOptions): void {
  native.socketSetOption(fd, SOL.PACKET, PACKET_OPTION.IGNORE_OUTGOING, Int32Array.of(1));
  if (options.receiveBufferBytes !== undefined) {
    native.socketSetOption(fd, SOL.SOCKET, SO.RCVBUF, Int32Array.of(options.receiveBufferBytes));
  }
  const filter = filterOf(options, options.filter);
  if (filter) native.socketAttachFilter(fd, filter);
  if (options.priority === 'control') goFirst(native, fd);
  native.socketBind(fd, packetAddress(options.ifindex, options.isTap ? ALL_PROTOCOLS : options.protocol));
  if (options.frames === 'promiscuous') {
    native.socketSetOption(fd, SOL.PACKET, PACKET_OPTION.ADD_MEMBERSHIP, promiscuousMembership(options.ifindex));
  }
}

function filterOf(options: PacketSocketOptions, program: Uint8Array | undefined): Uint8Array | undefined {
  if (options.frames === 'promiscuous') return program;
  const { protocol, isTap, ...reception } = options;
  return receptionFilter({ ...reception, ...(isTap && { protocol }) }, program);
}

/**
 * Lets what a socket sends go before all other traffic in the queues of this host (tc-prio(8)). Older kernels want
 * CAP_NET_ADMIN for the highest priority.
 */
export function goFirst(native: NativeLink, fd: number): void {
  try {
    native.socketSetOption(fd, SOL.SOCKET, SO.PRIORITY, Int32Array.of(CONTROL_PRIORITY));
  } catch {
    native.socketSetOption(fd, SOL.SOCKET, SO.PRIORITY, Int32Array.of(INTERACTIVE_PRIORITY));
  }
}
