// SPDX-License-Identifier: Apache-2.0
/**
 * Sends the heartbeats of all segments at one pace and keeps the answer fence: each round that went out lets the node answer for a
 * while, a round that comes too late silences it until everything was given up and the fence is armed again.
 */
import { afterSending, beforeSending, CLOSED_FENCE, type Fence, rearmed, renewed, type Timing } from '@berth/core';
import type { Clock, Timer } from '@berth/kube';

/** What answers, and stops by itself; the responder of packages/link is. */
export interface FencedAnswerer {
  renew(milliseconds: number): 'held' | 'expired';
  openFence(milliseconds: number): void;
  expire(): void;
}

/** Sends heartbeats and keeps the answer fence: from this event loop ({@link Beats}), or by a native thread (`NativeBeats`). */
export interface BeatKeeper {
  /** Rounds that went out and held the answer fence. */
  readonly rounds: number;
  /** How often the node was silenced because a round was too late. */
  readonly lapses: number;
  /** Longest delay of a round since this was last asked, in milliseconds. */
  takeLatest(): number;
  start(): void;
  /** Silences the node and sends nothing any more. */
  stop(): void;
  /** Everything was given up: the node is silent when this returns, and answers anew once the table is right. */
  rearm(): void;
  /** What is answered was brought in line with what is owned. */
  tableIsRight(): void;
  /** Heartbeats say something else from now on. */
  framesChanged(): void;
}

export interface BeatsOptions {
  readonly timing: Timing;
  readonly clock: Clock;
  readonly answerer: FencedAnswerer;
  /** Time to the next round, in milliseconds. */
  paceMs(): number;
  /** Sends one heartbeat on each segment. Whether all that should go out did. */
  send(): boolean;
  /** This node was too late: whatever it owns may have a new owner. */
  onLapsed(): void;
}

export class Beats implements BeatKeeper {
  readonly #options: BeatsOptions;
  #fence: Fence = CLOSED_FENCE;
  #timer: Timer | undefined;
  #dueMs = 0;
  /** Whether what is answered may hold VIPs that were given up. Heartbeats go out all the same, but the fence is left alone. */
  #table: 'right' | 'stale' = 'stale';
  #rounds = 0;
  #lapses = 0;
  #latestMs = 0;

  constructor(options: BeatsOptions) {
    this.#options = options;
  }

  get rounds(): number {
    return this.#rounds;
  }

  get lapses(): number {
    return this.#lapses;
  }

  takeLatest(): number {
    const latest = this.#latestMs;
    this.#latestMs = 0;
    return latest;
  }

  start(): void {
    this.#dueMs = this.#options.clock.now();
    this.#round();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#options.answerer.expire();
  }

  rearm(): void {
    this.#table = 'stale';
    this.#options.answerer.expire();
    this.#fence = rearmed(this.#fence);
  }

  tableIsRight(): void {
    this.#table = 'right';
  }

  /** Each round asks for the heartbeats of its moment. */
  framesChanged(): void {}

  #round(): void {
    const { clock, timing, paceMs } = this.#options;
    const nowMs = clock.now();
    this.#latestMs = Math.max(this.#latestMs, nowMs - this.#dueMs);
    // This event loop decides as well as sends: that it runs is the sign of life that the process fence wants.
    const judged = beforeSending(renewed(this.#fence, Number.POSITIVE_INFINITY), timing, nowMs);
    this.#fence = judged.fence;
    if (judged.may === 'send') this.#beat(nowMs);
    else this.#lapse();
    this.#dueMs = Math.max(this.#dueMs + paceMs(), nowMs);
    this.#timer = clock.after(Math.max(0, this.#dueMs - clock.now()), () => this.#round());
  }

  // The time was read before the frames went out, so whatever delays them shortens this node's answers.
  #beat(beforeMs: number): void {
    const { answerer, timing, clock, send } = this.#options;
    if (!send() || this.#table === 'stale') return;
    const isFirst = this.#fence.sentMs === undefined;
    this.#fence = afterSending(this.#fence, timing, beforeMs);
    this.#rounds += 1;
    const leftMs = this.#fence.answerUntilMs - clock.now();
    if (isFirst) answerer.openFence(Math.max(0, leftMs));
    else if (leftMs <= 0 || answerer.renew(leftMs) === 'expired') this.#lapse();
  }

  #lapse(): void {
    this.#lapses += 1;
    this.#fence = { ...this.#fence, lapse: 'lapsed' };
    this.#options.onLapsed();
  }
}
