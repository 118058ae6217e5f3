// SPDX-License-Identifier: Apache-2.0
/** Keeps an eye on one watch of a reflector. */
import type { Clock } from '@berth/runtime';

/** Aborts a watch that is silent for too long: a connection may be dead without either end noticing. */
export class WatchGuard {
  readonly signal: AbortSignal;
  isStale = false;
  readonly #clock: Clock;
  readonly #staleAfterMs: number;
  readonly #own = new AbortController();
  #timer: { cancel(): void } | undefined;

  constructor(clock: Clock, staleAfterMs: number, parent: AbortSignal) {
    this.#clock = clock;
    this.#staleAfterMs = staleAfterMs;
    this.signal = AbortSignal.any([parent, this.#own.signal]);
    this.renew();
  }

  renew(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#staleAfterMs, () => {
      this.isStale = true;
      this.#own.abort();
    });
  }

  end(): void {
    this.#timer?.cancel();
  }
}
