// SPDX-License-Identifier: Apache-2.0
/**
 * Heartbeats from a native thread (`HeartbeatSender` of packages/link): this event loop gives it frames, says that it
 * is well, and sees to a lapse. A pause of JavaScript is not seen on the wire; one that is longer than the process
 * fence silences the node.
 */
import { MAX_LAPSE_TIMES, type Timing } from '@berth/core';
import type { Clock, Timer } from '@berth/runtime';
import type { Measures } from './membership-measures.ts';

/** What answers, and stops by itself; the responder of packages/link is. */
export interface FencedAnswerer {
  /** Silences it until the thread opens the fence again. */
  expire(): void;
}

/** The thread; the sender of packages/link is. */
export interface BeatThread {
  pace(intervalMs: number, answerMs: number): void;
  setFrame(ifindex: number, frame: Uint8Array, key: PaddedKey): void;
  detach(ifindex: number): void;
  renew(milliseconds: number): void;
  hold(): void;
  release(): void;
  report(): { readonly rounds: number; readonly lapses: number; readonly latestMs: number; readonly isLapsed: boolean };
  close(): void;
}

/** The two blocks of an HMAC key (RFC 2104, 2). */
export interface PaddedKey {
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
}

/** What is sent on an interface; counter and tag are filled in by the thread. */
export interface BeatFrame {
  readonly ifindex: number;
  readonly frame: Uint8Array;
  readonly key: PaddedKey;
}

export interface NativeBeatsOptions {
  readonly timing: Timing;
  readonly clock: Clock;
  readonly answerer: FencedAnswerer;
  readonly thread: BeatThread;
  /** Default: nothing is measured. */
  readonly measures?: Pick<Measures, 'heartbeatLate'> | undefined;
  paceMs(): number;
  /** The frames of this moment; the same objects while they are the same frames. */
  frames(): readonly BeatFrame[];
  /** The thread was too late: whatever this node owns may have a new owner. */
  onLapsed(): void;
  /** Nothing can be sent on an interface. Reported once, until it goes again. */
  onFailed(ifindex: number, error: unknown): void;
}

export class NativeBeats {
  readonly #options: NativeBeatsOptions;
  #timer: Timer | undefined;
  #release: Timer | undefined;
  /** What the thread was given, by interface; undefined where it could not be. */
  readonly #given = new Map<number, BeatFrame | undefined>();
  #paceMs = 0;
  #rounds = 0;
  /** Of the thread, for whatever reason, */
  #threadLapses = 0;
  /** and those of them that were due to a late round. */
  #lapses = 0;
  #lapsedSeconds: readonly number[] = [];
  #latestMs = 0;

  constructor(options: NativeBeatsOptions) {
    this.#options = options;
  }

  /** Rounds that went out and held the answer fence. */
  get rounds(): number {
    return this.#rounds;
  }

  /**
   * How often the node was silenced because a round was too late. Not where there was nothing to send on, as while its
   * cable is out: that is no want of processor time.
   */
  get lapses(): number {
    return this.#lapses;
  }

  /** When the last of them were noticed, in seconds since 1970, oldest first. */
  get lapsedSeconds(): readonly number[] {
    return this.#lapsedSeconds;
  }

  /** Longest delay of a round since this was last asked, in milliseconds. */
  takeLatest(): number {
    const latest = this.#latestMs;
    this.#latestMs = 0;
    return latest;
  }

  start(): void {
    this.#options.thread.hold();
    this.#turn();
  }

  /** Ends the thread; the node is silent from here on. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { thread, answerer } = this.#options;
    thread.hold();
    answerer.expire();
    thread.close();
  }

  /** Everything was given up: the node is silent when this returns, and answers anew once the table is right. */
  rearm(): void {
    this.#release?.cancel();
    // Held first, or the thread could open the fence again.
    this.#options.thread.hold();
    this.#options.answerer.expire();
  }

  /**
   * The caller brings what is answered in line with what is owned before it returns to the event loop; the thread does
   * not wait for that.
   */
  tableIsRight(): void {
    this.#release?.cancel();
    this.#release = this.#options.clock.after(0, () => {
      if (this.#timer) this.#options.thread.release();
    });
  }

  /**
   * This event loop has just decided something, which is as good a sign of life as its turn once an interval: many
   * frames, one after the other, may take longer than the process fence. A lapse stays one until that turn.
   */
  decided(): void {
    const { thread, timing } = this.#options;
    if (this.#timer) thread.renew(timing.processFenceMs);
  }

  /** Heartbeats say something else from now on. */
  framesChanged(): void {
    const { frames, thread } = this.#options;
    const current = frames();
    const gone = [...this.#given.keys()].filter((ifindex) => !current.some((one) => one.ifindex === ifindex));
    for (const ifindex of gone) {
      thread.detach(ifindex);
      this.#given.delete(ifindex);
    }
    for (const one of current) if (this.#given.get(one.ifindex) !== one) this.#give(one);
  }

  #give(one: BeatFrame): void {
    const { thread, onFailed } = this.#options;
    const { ifindex, frame, key } = one;
    const isFailing = this.#given.has(ifindex) && this.#given.get(ifindex) === undefined;
    try {
      thread.setFrame(ifindex, frame, key);
      this.#given.set(ifindex, one);
    } catch (error) {
      // The interface is going away, most often; the next turn tries again.
      this.#given.set(ifindex, undefined);
      if (!isFailing) onFailed(ifindex, error);
    }
  }

  // Once an interval: that this runs is the sign of life that the thread wants.
  #turn(): void {
    const { clock, timing, thread, measures, paceMs, frames, onLapsed } = this.#options;
    this.#timer = clock.after(timing.intervalMs, () => this.#turn());
    const pace = paceMs();
    if (pace !== this.#paceMs) thread.pace(pace, timing.answerFenceMs);
    this.#paceMs = pace;
    const report = thread.report();
    this.#latestMs = Math.max(this.#latestMs, report.latestMs);
    if (report.rounds > this.#rounds) measures?.heartbeatLate(report.latestMs);
    this.#rounds = report.rounds;
    if (frames().length > 0) this.#noteLapses(report.lapses - this.#threadLapses);
    this.#threadLapses = report.lapses;
    if (report.isLapsed) onLapsed();
    thread.renew(timing.processFenceMs);
    // A key may have changed without a word of the state machine, and what was refused is tried again.
    this.framesChanged();
  }

  #noteLapses(count: number): void {
    if (count <= 0) return;
    this.#lapses += count;
    const seconds = Math.floor(this.#options.clock.date().getTime() / 1000);
    this.#lapsedSeconds = [...this.#lapsedSeconds, ...Array<number>(count).fill(seconds)].slice(-MAX_LAPSE_TIMES);
  }
}
