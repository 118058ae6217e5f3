// SPDX-License-Identifier: Apache-2.0
/**
 * VIPs that every node served and that nobody asks it for any more. Their flows live on all nodes, so the owner takes the new ones alone, and the others keep
 * what they have until it has ended.
 */
import { type SpreadState, setInForce } from '@berth/core';
import type { Clock } from '@berth/runtime';
import type { ServedEverywhere } from './served-services.ts';

/** Flows on other nodes are kept so long at most, in milliseconds. */
const LONGEST_MS = 600_000;
/** The owner alone must have served for so long, in milliseconds, so that nothing is under way. */
const ALONE_FOR_MS = 3_000;

interface Winding {
  readonly about: ServedEverywhere;
  readonly untilMs: number;
  /** Since when no other node has flows; undefined: others have. */
  aloneSinceMs: number | undefined;
}

export class WindDown {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #winding = new Map<string, Winding>();
  #asked: ReadonlyMap<string, ServedEverywhere> = new Map();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Whether the owner takes the new flows of a VIP alone since nobody asks for more. */
  has(vip: string): boolean {
    return this.#winding.has(vip);
  }

  /** All VIPs that tables are needed for: what is asked for, and what was and still has flows. `isKept`: the VIP is announced as before. */
  follow(asked: readonly ServedEverywhere[], isKept: (vip: string) => boolean): Map<string, ServedEverywhere> {
    const before = this.#asked;
    this.#asked = new Map(asked.map((about) => [String(about.vip), about]));
    for (const [vip, about] of before)
      if (!this.#asked.has(vip) && !this.#winding.has(vip))
        this.#winding.set(vip, { about, untilMs: this.#clock.now() + LONGEST_MS, aloneSinceMs: undefined });
    for (const vip of [...this.#winding.keys()]) if (this.#asked.has(vip) || !isKept(vip)) this.#winding.delete(vip);
    return new Map([...this.#asked, ...[...this.#winding].map(([vip, { about }]) => [vip, about] as const)]);
  }

  /** Forgets what has ended; returns whether there was any. */
  settle(segments: readonly { readonly state: SpreadState }[]): boolean {
    if (this.#winding.size === 0) return false;
    const nowMs = this.#clock.now();
    const before = this.#winding.size;
    for (const [vip, one] of this.#winding) {
      const isAlone = segments.every(({ state }) => isOneNode(state, vip, nowMs));
      one.aloneSinceMs = isAlone ? (one.aloneSinceMs ?? nowMs) : undefined;
      const isOver = one.aloneSinceMs !== undefined && nowMs - one.aloneSinceMs >= ALONE_FOR_MS;
      if (isOver || nowMs >= one.untilMs) this.#winding.delete(vip);
    }
    return this.#winding.size !== before;
  }
}

function isOneNode(state: SpreadState, vip: string, nowMs: number): boolean {
  const set = setInForce(state, vip, nowMs);
  return set === undefined || (set.pending === undefined && set.committed.length === 1);
}
