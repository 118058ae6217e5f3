// SPDX-License-Identifier: Apache-2.0
/**
 * Tells the cluster's own MAC addresses from strangers'. A node that fell silent is remembered for a while: it may have
 * been taken for dead wrongly, and what it still says about a VIP is no conflict but a hand-over.
 */
import type { MacAddress } from '@berth/core';
import type { Clock, Timer } from '@berth/runtime';
import type { JoinedSegment } from './node-state.ts';

/** How long the MAC address of a member that is gone is remembered, in milliseconds. */
const REMEMBER_MS = 10 * 60_000;
/** How often members are noted, in milliseconds. */
const NOTE_MS = 5_000;

export interface MemberMacsOptions {
  readonly clock: Clock;
  joined(): readonly JoinedSegment[];
  /** MAC addresses of this node's own interfaces. */
  own(): Iterable<MacAddress>;
}

export class MemberMacs {
  readonly #options: MemberMacsOptions;
  /** When each was last that of a member. */
  readonly #heardMs = new Map<string, number>();
  #timer: Timer | undefined;

  constructor(options: MemberMacsOptions) {
    this.#options = options;
  }

  /** Takes note of the members of this moment, and again from time to time. */
  start(): void {
    this.#note();
    this.#timer = this.#options.clock.after(NOTE_MS, () => this.start());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Whether a MAC address is this node's, a member's, or was a member's lately. */
  isOurs(mac: MacAddress): boolean {
    if (this.#heardMs.has(String(mac))) return true;
    for (const own of this.#options.own()) if (own.equals(mac)) return true;
    return this.#options.joined().some(({ loop }) => loop.state.members.some((member) => member.mac.equals(mac)));
  }

  #note(): void {
    const nowMs = this.#options.clock.now();
    for (const { loop } of this.#options.joined())
      for (const { mac } of loop.state.members) this.#heardMs.set(String(mac), nowMs);
    for (const [mac, heardMs] of this.#heardMs) if (nowMs - heardMs > REMEMBER_MS) this.#heardMs.delete(mac);
  }
}
