// SPDX-License-Identifier: Apache-2.0
/**
 * Holds hand-overs back for a moment, until the next owner knows where the flows of the VIP live. In doubt it moves at
 * once, as without this: who does not take part in time is not waited for again.
 */
import { isReadyToMove, type SpreadState, takesPart } from '@berth/core';
import type { Clock, Log } from '@berth/runtime';
import type { Offer } from '../membership/memberships-options.ts';
import type { Passage } from './passage-trials.ts';

/**
 * Longest time that a hand-over is held back, in milliseconds: longer than a VIP takes to settle, shorter than
 * membership waits for a taker.
 */
const HOLD_MS = 1_500;
/** Within so long it is known whether what the next owner passes on gets here, in milliseconds. */
const TRIED_WITHIN_MS = 3_000;
/** A hand-over that was not asked about for so long has ended, in milliseconds; */
const OVER_AFTER_MS = 1_000;
/** one that waits still: for balance a VIP is offered once a second. */
const HELD_OVER_AFTER_MS = 1_500;
/**
 * After a VIP had to stay, none is moved for its own good for so long, in milliseconds: at first, and at most where it
 * happens again and again. Each attempt loads the program at all nodes.
 */
const [REFUSED_FOR_MS, REFUSED_AT_MOST_MS] = [60_000, 3_600_000];
/** A speaker that did not take part in time is not waited for again for so long, in milliseconds. */
const ABSENT_FOR_MS = 60_000;

interface Hold {
  readonly sinceMs: number;
  askedMs: number;
  /** Version of this node's sets in which the VIP was named first. */
  version: number | undefined;
  how: 'kept' | 'plain' | undefined;
}

export interface PlannedMovesOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** A VIP stays where it is, since its connections would have been broken; none is moved for its own good so long. */
  onRefused(forMs: number): void;
}

export class PlannedMoves {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: Log;
  readonly #onRefused: PlannedMovesOptions['onRefused'];
  readonly #holds = new Map<string, Hold>();
  /** When speakers were found not to take part, by boot id. */
  readonly #absentMs = new Map<string, number>();
  readonly #counts = { kept: 0, plain: 0 };
  #refusedUntilMs = Number.NEGATIVE_INFINITY;
  /** How long the next refusal counts: twice as long as the last, until a VIP moved without a broken connection. */
  #refusedForMs = REFUSED_FOR_MS;
  /** When hand-overs that have ended were last forgotten. */
  #forgotMs = Number.NEGATIVE_INFINITY;

  constructor({ clock, log, onRefused }: PlannedMovesOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#onRefused = onRefused;
  }

  /**
   * Hand-overs that broke no connection as far as this node knows, and those that it did not hold back for long enough
   * to tell.
   */
  get counts(): { readonly kept: number; readonly plain: number } {
    return this.#counts;
  }

  /** Whether a speaker did not take part when it was waited for lately. */
  isAbsent(to: string): boolean {
    const absentMs = this.#absentMs.get(to);
    if (absentMs === undefined) return false;
    if (this.#clock.now() - absentMs < ABSENT_FOR_MS) return true;
    this.#absentMs.delete(to);
    return false;
  }

  /** The VIP moves without waiting for anyone, or stays where that is not worth a broken connection. */
  letGo(offer: Offer): boolean {
    if (offer.isOnlyUnbroken) return this.#refuse();
    return this.#let(this.#holdOf(offer, this.#clock.now()), 'plain');
  }

  /** Whether a VIP lately stayed where it is, since its connections would have been broken. */
  get hasRefused(): boolean {
    return this.#clock.now() < this.#refusedUntilMs;
  }

  /**
   * Whether a VIP may be offered now, by what is known on its segment; undefined: nothing yet. `filtered`: all is
   * ready, but what the next owner passes on does not get here.
   */
  mayOffer(offer: Offer, state: SpreadState | undefined, passage: Passage): boolean | 'filtered' {
    const nowMs = this.#clock.now();
    const hold = this.#holdOf(offer, nowMs);
    const vip = String(offer.vip);
    if (state?.owned.has(vip)) hold.version ??= state.setsVersion;
    const isReady =
      state !== undefined &&
      hold.version !== undefined &&
      isReadyToMove(state, { vip, to: offer.to, sinceVersion: hold.version }, nowMs);
    if (isReady && passage === 'passes') return this.#let(hold, 'kept');
    if (this.isAbsent(offer.to)) return this.letGo(offer);
    if (isReady) return passage === 'fails' || nowMs - hold.sinceMs >= TRIED_WITHIN_MS ? 'filtered' : false;
    if (nowMs - hold.sinceMs < HOLD_MS) return false;
    const peer = state?.peers.get(offer.to);
    if (peer === undefined || !takesPart(peer, nowMs)) this.#absentMs.set(offer.to, nowMs);
    if (hold.how === undefined && !offer.isOnlyUnbroken)
      this.#log.info('planned move: connections are not kept', this.#why(offer, peer?.node));
    return this.letGo(offer);
  }

  #why({ vip, to }: Offer, node: string | undefined): Record<string, string> {
    const why = this.#absentMs.has(to) ? 'the next owner takes no part' : 'the segment did not settle in time';
    return { vip: String(vip), to: node ?? to, why };
  }

  #refuse(): false {
    // Asked again in the same attempt.
    if (this.hasRefused) return false;
    const forMs = this.#refusedForMs;
    this.#refusedUntilMs = this.#clock.now() + forMs;
    this.#refusedForMs = Math.min(2 * forMs, REFUSED_AT_MOST_MS);
    this.#onRefused(forMs);
    return false;
  }

  #let(hold: Hold, how: 'kept' | 'plain'): true {
    if (hold.how === undefined) this.#counts[how]++;
    if (how === 'kept') this.#refusedForMs = REFUSED_FOR_MS;
    hold.how = how;
    return true;
  }

  #holdOf({ ifindex, vip }: Offer, nowMs: number): Hold {
    const key = `${ifindex} ${vip}`;
    const known = this.#holds.get(key);
    if (known && !isOver(known, nowMs)) {
      known.askedMs = nowMs;
      return known;
    }
    this.#forgetOver(nowMs);
    const hold: Hold = { sinceMs: nowMs, askedMs: nowMs, version: undefined, how: undefined };
    this.#holds.set(key, hold);
    return hold;
  }

  // Not for each of thousands that begin to be held in one go.
  #forgetOver(nowMs: number): void {
    if (nowMs - this.#forgotMs < OVER_AFTER_MS) return;
    this.#forgotMs = nowMs;
    for (const [old, hold] of this.#holds) if (isOver(hold, nowMs)) this.#holds.delete(old);
  }
}

function isOver({ askedMs, how }: Hold, nowMs: number): boolean {
  return nowMs - askedMs >= (how === undefined ? HELD_OVER_AFTER_MS : OVER_AFTER_MS);
}
