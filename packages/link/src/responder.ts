// SPDX-License-Identifier: Apache-2.0
/**
 * Answers ARP and neighbor discovery for VIPs, with a fence: a process that does not renew it goes silent by itself. JavaScript is not
 * on the answer path. What answers is a native thread on packet sockets (needs CAP_NET_RAW) or a program in the kernel (needs CAP_BPF
 * and CAP_NET_ADMIN too); both do the same.
 */
import type { IpAddress, MacAddress } from '@berth/core';
import { type NativeLink, nativeLink, type ResponderHandle } from './native.ts';
import { decodeVipCounters, encodeVipRows, type VipCounters } from './vip-rows.ts';

/** A VIP and the interfaces (by index) on which it is answered. */
export interface AnsweredRow {
  readonly vip: IpAddress;
  readonly ifindexes: readonly number[];
}

/** What answers: a thread on packet sockets, or a program in the kernel by TCX links (Linux 6.6) or on clsact (older kernels). */
export const ENGINES = ['packet-socket', 'kernel', 'kernel-clsact'] as const;
export type EngineName = (typeof ENGINES)[number];

const ENGINE_NUMBERS = { 'packet-socket': 0, kernel: 1, 'kernel-clsact': 2 } as const;

/** What became of an announcement. */
export type AnnounceResult = 'sent' | 'fenced' | 'not-attached';

/** One answering thread or program. Every method throws an Error with `code` and `syscall` when the system refuses. */
export class Responder {
  readonly #native: NativeLink;
  readonly #handle: ResponderHandle;
  readonly #slots = new Map<number, number>();
  #rows: readonly AnsweredRow[] = [];
  #isOpen = true;

  private constructor(native: NativeLink, handle: ResponderHandle) {
    this.#native = native;
    this.#handle = handle;
  }

  /** Starts the engine. It answers nothing before {@link Responder.attach}, {@link Responder.replace} and {@link Responder.openFence}. */
  static open(native: NativeLink = nativeLink(), engine: EngineName = 'packet-socket'): Responder {
    return new Responder(native, native.responderOpen(ENGINE_NUMBERS[engine]));
  }

  /** For {@link HeartbeatSender}, whose thread keeps the fence. */
  get handle(): ResponderHandle {
    return this.#handle;
  }

  /** Begins to listen on an interface, as this MAC. To change the MAC, detach first. */
  attach(ifindex: number, mac: MacAddress): void {
    if (this.#slots.has(ifindex)) return;
    this.#slots.set(ifindex, this.#native.responderAttach(this.#handle, ifindex, mac.toBytes()));
    this.#push();
  }

  /** Stops listening. When it returns, nothing is answered there any more. */
  detach(ifindex: number): void {
    const slot = this.#slots.get(ifindex);
    if (slot === undefined) return;
    this.#slots.delete(ifindex);
    this.#native.responderDetach(this.#handle, slot);
    // The slot may be given to another interface, which must not inherit its VIPs.
    this.#push();
  }

  /** Indexes of the interfaces that are listened on. */
  get attached(): readonly number[] {
    return [...this.#slots.keys()];
  }

  /** Answers for exactly these VIPs from now on. When it returns, no other is answered any more. Interfaces may be attached later. */
  replace(rows: readonly AnsweredRow[]): void {
    this.#rows = rows;
    this.#push();
  }

  /**
   * Lets the thread answer for this long from now, provided that it may still answer. 'expired': it went silent and stays so, since
   * others may have taken over; {@link Responder.openFence} ends that.
   */
  renew(milliseconds: number): 'held' | 'expired' {
    return this.#native.responderRenew(this.#handle, Math.round(milliseconds)) ? 'held' : 'expired';
  }

  /** Lets the thread answer for this long from now, also after it went silent. */
  openFence(milliseconds: number): void {
    this.#native.responderSetFence(this.#handle, Math.round(milliseconds));
  }

  /** Silences the thread at once. */
  expire(): void {
    this.#native.responderSetFence(this.#handle, 0);
  }

  /** Sends a frame that was made here (an announcement) unless the fence ran out. */
  announce(ifindex: number, frame: Uint8Array): AnnounceResult {
    const slot = this.#slots.get(ifindex);
    if (slot === undefined) return 'not-attached';
    return this.#native.responderAnnounce(this.#handle, slot, frame) ? 'sent' : 'fenced';
  }

  /** Frames received so far by what became of them: `reply`, the reasons of core's SILENCE_REASONS, and those of the socket. */
  outcomes(): Map<string, number> {
    const counts = this.#native.responderOutcomes(this.#handle);
    return new Map(this.#native.outcomeNames().map((name, index) => [name, counts[index] ?? 0]));
  }

  /** Counters of the VIPs in the table, in no order; of all, or of those that strangers claimed. A VIP that is replaced by itself keeps them. */
  vipCounters(which: 'all' | 'claimed' = 'all'): VipCounters[] {
    return decodeVipCounters(this.#native.responderVipCounters(this.#handle), which);
  }

  /** Stops the thread and closes its sockets. Nothing stays behind. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#native.responderClose(this.#handle);
  }

  #push(): void {
    const rows = this.#rows.map(({ vip, ifindexes }) => ({ vip, slots: this.#slotsOf(ifindexes) }));
    this.#native.responderReplace(this.#handle, encodeVipRows(rows));
  }

  #slotsOf(ifindexes: readonly number[]): number[] {
    return ifindexes.map((ifindex) => this.#slots.get(ifindex)).filter((slot) => slot !== undefined);
  }
}
