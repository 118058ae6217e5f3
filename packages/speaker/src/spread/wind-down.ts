// SPDX-License-Identifier: Apache-2.0
/**
 * VIPs that no one asks to be served by every node, though other nodes than the owner have flows of them or soon will:
 * every node served them until lately, or they move on purpose. The owner takes the new flows alone, and the others
 * keep what they have until it has ended.
 */
import { type SpreadState, setInForce } from '@berth/core';
import type { Clock } from '@berth/runtime';
import type { ServedEverywhere } from './served-services.ts';

/**
 * Flows on other nodes are kept so long at most where every node served, in milliseconds; after a move until they end.
 */
const LONGEST_MS = 600_000;
/**
 * A VIP that moves is kept for so long after this was last said, in milliseconds: owners say once a second who serves.
 */
const BUSY_FOR_MS = 3_500;
/**
 * So many VIPs are kept at once: with some thousands what nodes say of them would keep event loops busy, and speakers
 * would be late. The others move as without this.
 */
export const MOST_MOVING = 1_000;
/** The owner alone must have served for so long, in milliseconds, so that nothing is under way. */
const ALONE_FOR_MS = 3_000;

interface Winding {
  about: ServedEverywhere;
  untilMs: number;
  /** It is not forgotten before. */
  busyUntilMs: number;
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

  get hasAny(): boolean {
    return this.#winding.size > 0;
  }

  /** Whether a VIP that moves could be kept. */
  hasRoomFor(vip: string): boolean {
    return this.#winding.size < MOST_MOVING || this.#winding.has(vip) || this.#asked.has(vip);
  }

  /** Forgets what moves, and keeps what every node served until lately. */
  forgetMoves(): void {
    for (const [vip, { untilMs }] of this.#winding) if (untilMs === Number.POSITIVE_INFINITY) this.#winding.delete(vip);
  }

  /** Whether a VIP that moves was said to do so just now. */
  isBusy(vip: string): boolean {
    return (this.#winding.get(vip)?.busyUntilMs ?? 0) > this.#clock.now();
  }

  /**
   * A VIP moves on purpose, or its owner says so. Returns whether that is new; nothing is done where every node is
   * asked to serve it, and where there is no room.
   */
  keep(vip: string, aboutOf: (vip: string) => ServedEverywhere | undefined): boolean {
    if (this.#asked.has(vip) || !this.hasRoomFor(vip)) return false;
    const times = { busyUntilMs: this.#clock.now() + BUSY_FOR_MS, untilMs: Number.POSITIVE_INFINITY };
    const known = this.#winding.get(vip);
    if (known) Object.assign(known, times);
    const about = known ? undefined : aboutOf(vip);
    if (about) this.#winding.set(vip, { about, ...times, aloneSinceMs: undefined });
    return about !== undefined;
  }

  /**
   * All VIPs that tables are needed for: what is asked for, and what has flows elsewhere. `now`: what is to be kept of
   * a VIP.
   */
  follow(
    asked: readonly ServedEverywhere[],
    now: (vip: string) => ServedEverywhere | undefined,
  ): Map<string, ServedEverywhere> {
    const before = this.#asked;
    this.#asked = new Map(asked.map((about) => [String(about.vip), about]));
    const nowMs = this.#clock.now();
    for (const [vip, about] of before)
      if (!this.#asked.has(vip) && !this.#winding.has(vip))
        this.#winding.set(vip, { about, untilMs: nowMs + LONGEST_MS, busyUntilMs: nowMs, aloneSinceMs: undefined });
    for (const [vip, one] of this.#winding) {
      const about = this.#asked.has(vip) ? undefined : now(vip);
      if (about) one.about = about;
      else this.#winding.delete(vip);
    }
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
      if (nowMs < one.busyUntilMs) continue;
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
