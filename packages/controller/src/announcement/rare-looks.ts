// SPDX-License-Identifier: Apache-2.0
/** Looks at many Services again some time after news, and the more rarely the more there are. */
import type { Clock, Timer } from '@berth/runtime';

/** No more than this in a second: in a burst there are thousands. */
const LOOKS_PER_SECOND = 500;

export interface RareLooksOptions {
  readonly clock: Clock;
  /** Shortest time from news to the looks, in milliseconds. */
  readonly leastMs: number;
  look(key: string): void;
}

export class RareLooks {
  readonly #options: RareLooksOptions;
  #timer: Timer | undefined;

  constructor(options: RareLooksOptions) {
    this.#options = options;
  }

  /** To be called with news; looks at what is in `keys` by then. */
  plan(keys: ReadonlySet<string> | ReadonlyMap<string, unknown>): void {
    const { clock, leastMs, look } = this.#options;
    const restMs = Math.max(leastMs, (keys.size / LOOKS_PER_SECOND) * 1_000);
    this.#timer ??= clock.after(restMs, () => {
      this.#timer = undefined;
      for (const key of keys.keys()) look(key);
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
