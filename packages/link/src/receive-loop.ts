// SPDX-License-Identifier: Apache-2.0
/** Reads datagrams of a non-blocking socket in batches on the event loop. */
import type { NativeLink, PollHandle } from './native.ts';

/** Room for a socket address of a datagram, in bytes; fixed by the addon. */
const ADDRESS_BYTES = 32;

/** Batches that one drain reads: a flood must not hold up the caller. */
const MOST_BATCHES = 4;

export interface Datagram {
  /** A copy, cut to the slot. */
  readonly bytes: Uint8Array;
  /** Length on the wire, in bytes; more than `bytes` has when it was cut. */
  readonly wholeLength: number;
  readonly address: Uint8Array;
}

export interface ReceiveOptions {
  readonly fd: number;
  /** Longest datagram that is kept whole, in bytes. */
  readonly slotBytes: number;
  /** Datagrams read at once, up to 64. */
  readonly slots: number;
  onDatagram(datagram: Datagram): void;
  /** The socket failed (an interface went down, a buffer overflowed); it may go on to work. */
  onError(error: unknown): void;
}

/** Begins to read. The socket stays open when the loop is closed. */
export class ReceiveLoop {
  readonly #native: NativeLink;
  readonly #options: ReceiveOptions;
  readonly #slab: Uint8Array;
  readonly #addresses: Uint8Array;
  readonly #lengths: Uint32Array;
  #poll: PollHandle | undefined;

  constructor(native: NativeLink, options: ReceiveOptions) {
    this.#native = native;
    this.#options = options;
    this.#slab = new Uint8Array(options.slotBytes * options.slots);
    this.#addresses = new Uint8Array(ADDRESS_BYTES * options.slots);
    this.#lengths = new Uint32Array(options.slots);
  }

  start(): void {
    this.#poll ??= this.#native.pollStart(this.#options.fd, () => this.#read());
  }

  stop(): void {
    if (this.#poll) this.#native.pollStop(this.#poll);
    this.#poll = undefined;
  }

  /**
   * Reads what has arrived by now, while it runs; for a caller that must not decide anything before it has seen that.
   */
  drain(): void {
    for (let batch = 0; batch < MOST_BATCHES && this.#poll; batch++) if (this.#read() < this.#options.slots) return;
  }

  // One batch per turn of the event loop: a flood must not keep timers from running.
  #read(): number {
    const { fd, slotBytes, onDatagram, onError } = this.#options;
    let count: number;
    try {
      count = this.#native.socketReceive(fd, this.#slab, slotBytes, this.#addresses, this.#lengths);
    } catch (error) {
      onError(error);
      return 0;
    }
    const received = Array.from({ length: count }, (_, index) => this.#datagram(index));
    for (const datagram of received) onDatagram(datagram);
    return count;
  }

  #datagram(index: number): Datagram {
    const { slotBytes } = this.#options;
    const wholeLength = this.#lengths[index] ?? 0;
    const start = index * slotBytes;
    const bytes = this.#slab.slice(start, start + Math.min(wholeLength, slotBytes));
    return { bytes, wholeLength, address: this.#addresses.slice(index * ADDRESS_BYTES, (index + 1) * ADDRESS_BYTES) };
  }
}
