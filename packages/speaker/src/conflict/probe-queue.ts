// SPDX-License-Identifier: Apache-2.0
/** Puts the questions about addresses, the urgent ones first, and no more at a time than a segment can bear. */
import { nextProbeMs, QUICK_PROBE_TIMING } from '@berth/core';
import type { AddressProber, ProbeResult } from '@berth/link';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import type { Entry, Urgency } from './clearance-entry.ts';

/** Questions at a time: three frames in a fifth of a second each, or three in some seconds. */
const AT_ONCE: Readonly<Record<Urgency, number>> = { 'at-need': 48, ahead: 16 };

export interface ProbeQueueOptions {
  readonly clock: Clock;
  readonly prober: Pick<AddressProber, 'probe'>;
  /** All addresses that are known of, for the rate after conflicts. */
  entries(): Iterable<Entry>;
  /** Whether anything may still come of an address. */
  isCurrent(entry: Entry): boolean;
}

export class ProbeQueue {
  /** What a question brought. */
  readonly results = new Signal<[entry: Entry, result: ProbeResult]>();
  readonly #options: ProbeQueueOptions;
  readonly #waiting: Readonly<Record<Urgency, Set<Entry>>> = { 'at-need': new Set(), ahead: new Set() };
  readonly #asking: Record<Urgency, number> = { 'at-need': 0, ahead: 0 };
  /** When a question was last put on each interface. */
  readonly #askedMs = new Map<number, number>();
  readonly #questions: Record<Urgency, number> = { 'at-need': 0, ahead: 0 };
  #timer: Timer | undefined;

  constructor(options: ProbeQueueOptions) {
    this.#options = options;
  }

  /** How many questions were put. */
  get questions(): Readonly<Record<Urgency, number>> {
    return this.#questions;
  }

  /** Takes an address up, or makes its question more urgent. */
  add(entry: Entry, urgency: Urgency): void {
    this.#waiting.ahead.delete(entry);
    entry.work = 'waiting';
    entry.urgency = urgency;
    this.#waiting[urgency].add(entry);
    this.#pump();
  }

  delete(entry: Entry): void {
    for (const queue of Object.values(this.#waiting)) queue.delete(entry);
  }

  clear(): void {
    this.#timer?.cancel();
    for (const queue of Object.values(this.#waiting)) queue.clear();
  }

  #pump(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock } = this.#options;
    const conflicts = this.#conflictsBySegment();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const urgency of ['at-need', 'ahead'] as const)
      for (const entry of this.#waiting[urgency]) {
        if (this.#asking[urgency] >= AT_ONCE[urgency]) break;
        const { ifindex } = entry.segment;
        const mayMs = nextProbeMs(conflicts.get(ifindex) ?? 0, this.#askedMs.get(ifindex) ?? Number.NEGATIVE_INFINITY);
        if (mayMs <= clock.now()) void this.#put(entry, urgency);
        else nextMs = Math.min(nextMs, mayMs);
      }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#timer = clock.after(nextMs - clock.now(), () => this.#pump());
  }

  #conflictsBySegment(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const { segment, conflict } of this.#options.entries())
      if (conflict) counts.set(segment.ifindex, (counts.get(segment.ifindex) ?? 0) + 1);
    return counts;
  }

  async #put(entry: Entry, urgency: Urgency): Promise<void> {
    const { clock, prober } = this.#options;
    this.#waiting[urgency].delete(entry);
    this.#askedMs.set(entry.segment.ifindex, clock.now());
    this.#asking[urgency] += 1;
    this.#questions[urgency] += 1;
    entry.work = 'asking';
    entry.question += 1;
    const { question, vip, segment } = entry;
    const timing = urgency === 'at-need' ? { timing: QUICK_PROBE_TIMING } : {};
    const result = await prober.probe({ candidate: vip, ifindex: segment.ifindex, mac: segment.mac, ...timing });
    this.#asking[urgency] -= 1;
    if (this.#options.isCurrent(entry) && entry.question === question) this.results.emit(entry, result);
    this.#pump();
  }
}
