// SPDX-License-Identifier: Apache-2.0
/**
 * Answers ARP and neighbor discovery for VIPs, with a fence: a process that does not renew it goes silent by itself.
 * JavaScript is not on the answer path. What answers is a native thread on packet sockets (needs CAP_NET_RAW) or a
 * program in the kernel (needs CAP_BPF and CAP_NET_ADMIN too); both do the same.
 */
import type { MacAddress } from '@berth/core';
import {
  type AnnounceResult,
  type AnsweredRow,
  ATTACHMENT_STATES,
  type Attachment,
  type AttachmentState,
  type AttachRefusal,
  type EngineName,
  type Shortfall,
} from './answering.ts';
import { type NativeLink, nativeLink, type ResponderHandle } from './native.ts';
import { decodeAddresses, decodeVipCounters, encodeVipRows, type VipCounters } from './vip-rows.ts';

const BY = { engine: 0, thread: 1 } as const;

const ENGINE_NUMBERS = { 'packet-socket': 0, kernel: 1, 'kernel-clsact': 2 } as const;

/** One answering thread or program. Every method throws an Error with `code` and `syscall` when the system refuses. */
export class Responder {
  readonly #native: NativeLink;
  readonly #handle: ResponderHandle;
  readonly #slots = new Map<number, number>();
  readonly #attachments = new Map<number, Attachment>();
  readonly #engine: EngineName;
  #shortfall: Shortfall | undefined;
  #rows: readonly AnsweredRow[] = [];
  #isOpen = true;

  private constructor(native: NativeLink, handle: ResponderHandle, engine: EngineName) {
    this.#native = native;
    this.#engine = engine;
    this.#handle = handle;
  }

  /**
   * Starts the engine. It answers nothing before {@link Responder.attach}, {@link Responder.replace} and {@link
   * Responder.openFence}.
   */
  static open(native: NativeLink = nativeLink(), engine: EngineName = 'packet-socket'): Responder {
    return new Responder(native, native.responderOpen(ENGINE_NUMBERS[engine]), engine);
  }

  /** For {@link HeartbeatSender}, whose thread keeps the fence. */
  get handle(): ResponderHandle {
    return this.#handle;
  }

  /**
   * Begins to answer on an interface, as this MAC. To change the MAC, detach first. Where the engine's program cannot
   * be attached, the thread stands in; throws when that cannot be either.
   */
  attach(ifindex: number, mac: MacAddress): Attachment {
    const known = this.#attachments.get(ifindex);
    if (known) return known;
    const bytes = mac.toBytes();
    const attachment = this.#attachBest(ifindex, (by) =>
      this.#slots.set(ifindex, this.#native.responderAttach(this.#handle, ifindex, bytes, by)),
    );
    this.#push();
    return attachment;
  }

  /** Looks what became of what was attached; `gone` where nothing is. */
  look(ifindex: number): AttachmentState {
    const slot = this.#slots.get(ifindex);
    if (slot === undefined) return 'gone';
    return ATTACHMENT_STATES[this.#native.responderLook(this.#handle, slot)];
  }

  /**
   * Attaches anew, before all others, on an interface that is attached; as {@link Responder.attach}. When it throws,
   * detach.
   */
  attachAgain(ifindex: number): Attachment {
    const slot = this.#slots.get(ifindex);
    if (slot === undefined) throw new Error(`link: attach again: interface ${ifindex} was not attached`);
    return this.#attachBest(ifindex, (by) => this.#native.responderAttachAgain(this.#handle, slot, by));
  }

  /** How an interface is answered; undefined where it is not. */
  attachmentOf(ifindex: number): Attachment | undefined {
    return this.#attachments.get(ifindex);
  }

  /**
   * Whether questions for VIPs of others can be held back from the kernel on an interface: a program can, a thread
   * cannot.
   */
  canHoldBack(ifindex: number): boolean {
    return this.#engine !== 'packet-socket' && this.#attachments.get(ifindex)?.by === 'engine';
  }

  /** Stops listening. When it returns, nothing is answered there any more. */
  detach(ifindex: number): void {
    const slot = this.#slots.get(ifindex);
    if (slot === undefined) return;
    this.#slots.delete(ifindex);
    this.#attachments.delete(ifindex);
    this.#native.responderDetach(this.#handle, slot);
    // The slot may be given to another interface, which must not inherit its VIPs.
    this.#push();
  }

  /** Indexes of the interfaces that are listened on. */
  get attached(): readonly number[] {
    return [...this.#slots.keys()];
  }

  /**
   * Answers for exactly these VIPs from now on. When it returns, no other is answered any more. Interfaces may be
   * attached later. What there was no room for is in {@link Responder.shortfall}, and has another chance with the
   * next call.
   */
  replace(rows: readonly AnsweredRow[]): void {
    this.#rows = rows;
    this.#push();
  }

  /** What the last change of the table had no room for; undefined when it is complete. */
  get shortfall(): Shortfall | undefined {
    return this.#shortfall;
  }

  /**
   * For this long from now, questions for VIPs that are not answered here, or not now, are held back from this node's
   * kernel, which may have the address too (kube-proxy in IPVS mode). Does nothing where {@link Responder.canHoldBack}
   * says no.
   */
  keepQuiet(milliseconds: number): void {
    this.#native.responderKeepQuiet(this.#handle, Math.round(milliseconds));
  }

  /**
   * Lets the thread answer for this long from now, provided that it may still answer. 'expired': it went silent and
   * stays so, since others may have taken over; {@link Responder.openFence} ends that.
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

  /**
   * Frames received so far by what became of them: `reply`, the reasons of core's SILENCE_REASONS, and those of the
   * socket.
   */
  outcomes(): Map<string, number> {
    const counts = this.#native.responderOutcomes(this.#handle);
    return new Map(this.#native.outcomeNames().map((name, index) => [name, counts[index] ?? 0]));
  }

  /**
   * Counters of the VIPs in the table, in no order; of all, or of those that strangers claimed. A VIP that is replaced
   * by itself keeps them.
   */
  vipCounters(which: 'all' | 'claimed' = 'all'): VipCounters[] {
    return decodeVipCounters(this.#native.responderVipCounters(this.#handle), which);
  }

  /** Stops the thread and closes its sockets. Nothing stays behind. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#native.responderClose(this.#handle);
  }

  #attachBest(ifindex: number, attachBy: (by: 0 | 1) => unknown): Attachment {
    this.#attachments.delete(ifindex);
    try {
      attachBy(BY.engine);
      return this.#remember(ifindex, { by: 'engine', refusal: undefined });
    } catch (error) {
      // The thread itself was refused.
      if (this.#engine === 'packet-socket') throw error;
      attachBy(BY.thread);
      return this.#remember(ifindex, { by: 'thread', refusal: refusalOf(error) });
    }
  }

  #remember(ifindex: number, attachment: Attachment): Attachment {
    this.#attachments.set(ifindex, attachment);
    return attachment;
  }

  #push(): void {
    const rows = this.#rows.map(({ vip, ifindexes }) => ({ vip, slots: this.#slotsOf(ifindexes) }));
    this.#shortfall = undefined;
    try {
      this.#native.responderReplace(this.#handle, encodeVipRows(rows));
    } catch (error) {
      const missing = decodeAddresses(this.#native.responderMissing(this.#handle));
      // Not a row of the table but the table itself: what is in force is not what is wanted.
      if (!(error instanceof Error) || missing.length === 0) throw error;
      this.#shortfall = { missing, error };
    }
  }

  #slotsOf(ifindexes: readonly number[]): readonly number[] {
    if (ifindexes.length === 0) return ifindexes;
    return ifindexes.map((ifindex) => this.#slots.get(ifindex)).filter((slot) => slot !== undefined);
  }
}

function refusalOf(error: unknown): AttachRefusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return { code, detail: error instanceof Error ? error.message : String(error) };
}
