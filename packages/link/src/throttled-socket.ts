// SPDX-License-Identifier: Apache-2.0
/**
 * Reads a packet socket at a bounded rate, for frames that anybody may send: a flood fills the receive buffer and is
 * dropped by the kernel, it takes no more than a share of this process.
 */
import type { Clock } from '@berth/runtime';
import type { PacketSocket, ReceivedFrame } from './packet-socket.ts';

/** The part of a packet socket that is used. */
export type FrameSocket = Pick<
  PacketSocket,
  'receive' | 'pause' | 'resume' | 'setFilter' | 'send' | 'close' | 'takeStatistics'
>;

/** What can be read at a bounded rate. */
export interface Throttleable<Frame> {
  receive(onFrame: (frame: Frame) => void, onError: (error: unknown) => void): void;
  pause(): void;
  resume(): void;
  setFilter(program: Uint8Array): void;
  takeStatistics(): { readonly dropped: number };
  close(): void;
}

export interface ThrottledOptions<Frame = ReceivedFrame> {
  readonly socket: Throttleable<Frame>;
  readonly clock: Clock;
  /** Frames that are read in one window. A batch that is under way is read to its end, so it may be up to 31 more. */
  readonly perWindow: number;
  /** Length of a window, in milliseconds. */
  readonly windowMs: number;
}

export class ThrottledSocket<Frame = ReceivedFrame> {
  readonly #options: ThrottledOptions<Frame>;
  #timer: { cancel(): void } | undefined;
  #read = 0;
  #unread = 0;

  constructor(options: ThrottledOptions<Frame>) {
    this.#options = options;
  }

  receive(onFrame: (frame: Frame) => void, onError: (error: unknown) => void): void {
    this.#options.socket.receive((frame) => {
      this.#count();
      onFrame(frame);
    }, onError);
  }

  setFilter(program: Uint8Array): void {
    this.#options.socket.setFilter(program);
  }

  /** Frames that were dropped unread, since this was opened. */
  get unread(): number {
    this.#unread += this.#options.socket.takeStatistics().dropped;
    return this.#unread;
  }

  close(): void {
    this.#timer?.cancel();
    this.#options.socket.close();
  }

  #count(): void {
    const { socket, clock, perWindow, windowMs } = this.#options;
    this.#read += 1;
    this.#timer ??= clock.after(windowMs, () => {
      this.#timer = undefined;
      this.#read = 0;
      socket.resume();
    });
    if (this.#read === perWindow) socket.pause();
  }
}
