// SPDX-License-Identifier: Apache-2.0
/**
 * Renews the fence of the answering thread from JavaScript's own event loop: a process whose event loop hangs, or that is stopped,
 * goes silent by itself.
 */
import type { Clock, Timer } from '@berth/kube';

/** The thread's side of the fence; the responder has it. */
export interface FencedThread {
  renew(milliseconds: number): 'held' | 'expired';
  openFence(milliseconds: number): void;
  expire(): void;
}

export interface FenceOptions {
  readonly thread: FencedThread;
  readonly clock: Clock;
  /** How long the thread answers after a renewal, in milliseconds. */
  readonly fenceMs: number;
  readonly renewEveryMs: number;
  /** Called when a renewal came too late. The thread is silent, and stays so until {@link Fence.open}. */
  onExpired(): void;
}

export class Fence {
  readonly #options: FenceOptions;
  #timer: Timer | undefined;
  #renewals = 0;
  #expiries = 0;

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  /** Renewals that came in time. */
  get renewals(): number {
    return this.#renewals;
  }

  /** How often the thread went silent because a renewal was late. */
  get expiries(): number {
    return this.#expiries;
  }

  get isOpen(): boolean {
    return this.#timer !== undefined;
  }

  /** Lets the thread answer and begins to renew. */
  open(): void {
    this.#options.thread.openFence(this.#options.fenceMs);
    this.#arm();
  }

  /** Silences the thread at once. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#options.thread.expire();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(this.#options.renewEveryMs, () => this.#renew());
  }

  #renew(): void {
    if (this.#options.thread.renew(this.#options.fenceMs) === 'held') {
      this.#renewals += 1;
      this.#arm();
      return;
    }
    this.#expiries += 1;
    this.#timer = undefined;
    this.#options.onExpired();
  }
}
