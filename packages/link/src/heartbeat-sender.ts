// SPDX-License-Identifier: Apache-2.0
/**
 * Sends heartbeats from a native thread and keeps the fence of a responder with them: each round that went out lets the
 * responder answer for a while. JavaScript renews a second, longer fence, so a garbage collection is not seen on the
 * wire and a hung process is.
 */
import type { IpAddress, MacAddress } from '@berth/core';
import { socketAddress } from './linux.ts';
import { type HeartbeatHandle, type NativeLink, nativeLink } from './native.ts';
import type { Responder } from './responder.ts';

/** The two blocks of an HMAC key: XORed with 0x36 and with 0x5c (RFC 2104, 2). */
export interface PaddedKey {
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
}

export interface HeartbeatReport {
  /** Rounds that went out. */
  readonly rounds: number;
  /** How often a round came so late that peers may have taken over. */
  readonly lapses: number;
  /** Longest delay of a round since the last report, in milliseconds. */
  readonly latestMs: number;
  /** Whether the thread sends nothing until {@link HeartbeatSender.hold}. */
  readonly isLapsed: boolean;
}

/** Whom heartbeats go to as datagrams. */
export interface HeartbeatDatagrams {
  /** Sockets to send from; each is duplicated. Undefined: none for this family. */
  readonly fd4?: number | undefined;
  readonly fd6?: number | undefined;
  readonly port: number;
  readonly addresses: readonly IpAddress[];
}

export class HeartbeatSender {
  readonly #native: NativeLink;
  readonly #handle: HeartbeatHandle;
  readonly #slots = new Map<number, number>();
  /** By interface: whom its heartbeats are to go to besides. It may be said before there is a frame. */
  readonly #copies = new Map<number, readonly MacAddress[]>();
  readonly #datagrams = new Map<number, HeartbeatDatagrams>();
  #isOpen = true;

  private constructor(native: NativeLink, handle: HeartbeatHandle) {
    this.#native = native;
    this.#handle = handle;
  }

  /**
   * Starts the thread. It sends nothing before {@link pace}, {@link setFrame} and {@link renew}, and holds the fence.
   */
  static open(responder: Responder, native: NativeLink = nativeLink()): HeartbeatSender {
    return new HeartbeatSender(native, native.heartbeatOpen(responder.handle));
  }

  /** Milliseconds between rounds, and for how long the responder may answer after one. */
  pace(intervalMs: number, answerMs: number): void {
    this.#native.heartbeatPace(this.#handle, Math.round(intervalMs), Math.floor(answerMs));
  }

  /**
   * What is sent on an interface from now on: a whole frame, in which counter and tag are filled in. Throws when the
   * system refuses.
   */
  setFrame(ifindex: number, frame: Uint8Array, key: PaddedKey): void {
    const known = this.#slots.get(ifindex);
    const slot = known ?? this.#native.heartbeatAttach(this.#handle, ifindex);
    this.#slots.set(ifindex, slot);
    this.#native.heartbeatFrame(this.#handle, slot, frame, key.inner, key.outer);
    if (known !== undefined) return;
    const [copies, datagrams] = [this.#copies.get(ifindex), this.#datagrams.get(ifindex)];
    if (copies) this.copyTo(ifindex, copies);
    if (datagrams) this.datagramsTo(ifindex, datagrams);
  }

  /**
   * Sends each heartbeat of an interface, without its Ethernet header, also as a datagram to these addresses, from the
   * sockets of both families; for peers that no raw frame reaches. As {@link copyTo} otherwise.
   */
  datagramsTo(ifindex: number, datagrams: HeartbeatDatagrams): void {
    const { fd4 = -1, fd6 = -1, port, addresses } = datagrams;
    this.#datagrams.set(ifindex, datagrams);
    const slot = this.#slots.get(ifindex);
    if (slot === undefined) return;
    const bytes = Uint8Array.from(addresses.flatMap((address) => [...socketAddress(address, port)]));
    this.#native.heartbeatDatagrams(this.#handle, slot, fd4, fd6, bytes);
  }

  /**
   * Sends each heartbeat of an interface also to these MAC addresses one by one, besides the destination that the frame
   * bears; for peers that a group does not reach. Forgotten when the interface is detached; begins with its first
   * frame.
   */
  copyTo(ifindex: number, macs: readonly MacAddress[]): void {
    this.#copies.set(ifindex, macs);
    const slot = this.#slots.get(ifindex);
    if (slot === undefined) return;
    this.#native.heartbeatCopies(this.#handle, slot, Uint8Array.from(macs.flatMap((mac) => [...mac.toBytes()])));
  }

  /** Sends nothing more on an interface. */
  detach(ifindex: number): void {
    this.#copies.delete(ifindex);
    this.#datagrams.delete(ifindex);
    const slot = this.#slots.get(ifindex);
    if (slot === undefined) return;
    this.#slots.delete(ifindex);
    this.#native.heartbeatDetach(this.#handle, slot);
  }

  /** A number for a frame that is sent otherwise, on any interface. */
  nextCounter(): number {
    return this.#native.heartbeatNextCounter(this.#handle);
  }

  /** JavaScript is well: heartbeats may go out for this long. */
  renew(milliseconds: number): void {
    this.#native.heartbeatRenew(this.#handle, Math.round(milliseconds));
  }

  /** Leaves the fence alone, and forgets a lapse. Close the fence after this, not before. */
  hold(): void {
    this.#native.heartbeatHold(this.#handle);
  }

  /** The responder's table is right: rounds open its fence and renew it. */
  release(): void {
    this.#native.heartbeatRelease(this.#handle);
  }

  report(): HeartbeatReport {
    const [rounds, lapses, latestMs, lapsed] = this.#native.heartbeatReport(this.#handle);
    return { rounds, lapses, latestMs, isLapsed: lapsed === 1 };
  }

  /** Stops the thread; to be called before the responder is closed. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // What ends after it, such as the sockets of a segment, may still take its copies back.
    this.#slots.clear();
    this.#native.heartbeatClose(this.#handle);
  }
}
