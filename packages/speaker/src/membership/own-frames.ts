// SPDX-License-Identifier: Apache-2.0
/**
 * Tells frames of this very process that come back by another interface, and of a copy of this process, from recorded
 * ones: a frame counts when it was sent after somebody looked for it. Two interfaces in one segment hear each other so,
 * all the time; a frame that was recorded on another segment, or while an interface had another MAC address, does not
 * count however often it is repeated.
 */
import type { FrameSender } from '@berth/core';

/** How long frames count that were sent after the last look: as long as a relay would have to be quick. */
const LOOK_AGAIN_MS = 200;

interface Floor {
  counter: number;
  readonly atMs: number;
}

export interface OwnFramesOptions {
  /** A number above those of all frames that this process has sent. */
  nextCounter(): number;
}

export class OwnFrames {
  readonly #options: OwnFramesOptions;
  /** Ports with the MAC addresses that this process has sent with. */
  readonly #used = new Set<string>();
  readonly #floors = new Map<string, Floor>();

  constructor(options: OwnFramesOptions) {
    this.#options = options;
  }

  /** Notes that this process sends with this port and address. */
  use({ port, mac }: Pick<FrameSender, 'port' | 'mac'>): void {
    this.#used.add(`${port} ${mac}`);
  }

  /**
   * Whether it is known without a look at the tag that a frame with this process' boot id does not count on a port.
   * Changes nothing.
   */
  isOld(onPort: number, { port, mac, counter }: FrameSender): boolean {
    const floor = this.#floors.get(`${onPort} ${port} ${mac}`);
    return floor !== undefined && counter <= floor.counter;
  }

  /**
   * Whether a frame with this process' boot id and a good tag that came on a port was sent just now. Each does so once.
   */
  isLive(onPort: number, { port, mac, counter }: FrameSender, nowMs: number): boolean {
    const key = `${onPort} ${port} ${mac}`;
    const floor = this.#floors.get(key);
    const isOurs = this.#used.has(`${port} ${mac}`);
    if (floor === undefined || (isOurs && nowMs - floor.atMs > LOOK_AGAIN_MS)) {
      // The counter of a copy is its own: only frames that are newer than the first one tell that it lives.
      this.#floors.set(key, { atMs: nowMs, counter: isOurs ? this.#options.nextCounter() : counter });
      return false;
    }
    if (counter <= floor.counter) return false;
    floor.counter = counter;
    return true;
  }
}
