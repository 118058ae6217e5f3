// SPDX-License-Identifier: Apache-2.0
/**
 * What this node knows of addresses that it does not answer for yet: which are clear, and which a stranger uses.
 */
import { type AddressConflict, type IpAddress, type MacAddress, PROBE_RATE_LIMIT } from '@berth/core';
import type { AddressProber, ProbeResult } from '@berth/link';
import { type Clock, Signal } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import { type ClearanceState, type Entry, keyOf, newEntry, type Urgency } from './clearance-entry.ts';
import { ProbeQueue } from './probe-queue.ts';

/** An address that was found clear counts as such for so long, in milliseconds; then it is asked for again. */
const FRESH_MS = 15 * 60_000;
/** The same for one that is not listened to any more. */
const UNHEARD_FRESH_MS = 60_000;
/** An address that a stranger uses is asked for again after this time, in milliseconds. */
const LOOK_AGAIN_MS: Readonly<Record<Urgency, number>> = { 'at-need': PROBE_RATE_LIMIT.intervalMs, ahead: 5 * 60_000 };
/**
 * A claim that is heard while no one waits is believed after this time, in milliseconds: a node that joins may not have
 * been heard yet.
 */
const BELIEVE_AFTER_MS = 2_000;
const RETRY_MS = 1_000;
/**
 * A node of the cluster that is not heard and answers for so long, in milliseconds, is reported as what it is: somebody
 * who uses the address.
 */
const NODE_ANSWERS_MS = 10_000;
/** After this many failed probes the address is used unprobed: a Service must not stay unreachable for ever. */
const MOST_FAILURES = 3;

export interface AddressClearanceOptions {
  readonly clock: Clock;
  readonly prober: Pick<AddressProber, 'probe'>;
  /** Whether a MAC address is one of the cluster's. */
  isOurs(mac: MacAddress): boolean;
  /**
   * Finds out whether a MAC address that {@link AddressClearanceOptions.isOurs} does not know is a node's all the same:
   * one whose heartbeats are lost, and that answers for its VIPs. Never rejects.
   */
  isNode(mac: MacAddress, segment: Segment): Promise<boolean>;
}

export class AddressClearance {
  /** A state changed. */
  readonly changes = new Signal();
  /** A stranger uses an address. */
  readonly found = new Signal<[AddressConflict]>();
  /** Nothing could be found out about an address that a Service waits for; it is used all the same. */
  readonly unprobed = new Signal<[vip: IpAddress, segment: Segment, error: unknown]>();
  readonly #options: AddressClearanceOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #queue: ProbeQueue;
  /** VIPs that were in use without a conflict until a moment ago, and until when that counts. */
  readonly #trustedUntilMs = new Map<string, number>();

  constructor(options: AddressClearanceOptions) {
    this.#options = options;
    this.#queue = new ProbeQueue({
      clock: options.clock,
      prober: options.prober,
      entries: () => this.#entries.values(),
      isCurrent: (entry) => this.#isCurrent(entry),
    });
    this.#queue.results.subscribe((entry, result) => this.#take(entry, result));
  }

  /** How many questions were put. */
  get questions(): Readonly<Record<Urgency, number>> {
    return this.#queue.questions;
  }

  /** Addresses that are known to be clear. */
  get clear(): number {
    return [...this.#entries.values()].filter(({ vip, segment }) => this.stateOf(vip, segment.ifindex) === 'clear')
      .length;
  }

  stateOf(vip: IpAddress, ifindex: number): ClearanceState {
    const entry = this.#entries.get(keyOf(vip, ifindex));
    const nowMs = this.#options.clock.now();
    if (entry?.state === 'conflict') return 'conflict';
    if (entry?.state === 'clear' && nowMs < entry.freshUntilMs) return 'clear';
    return nowMs < (this.#trustedUntilMs.get(String(vip)) ?? 0) ? 'clear' : 'unknown';
  }

  /** Has the address asked for, unless its state is known or it is being asked for as urgently. */
  ask(vip: IpAddress, segment: Segment, urgency: Urgency): void {
    const entry = this.#entryOf(vip, segment);
    const isKnown = this.stateOf(vip, segment.ifindex) !== 'unknown';
    const isUnderWay = entry.work !== 'none' && (entry.urgency === 'at-need' || urgency === 'ahead');
    if (urgency === 'at-need') entry.urgency = urgency;
    if (!isKnown && !isUnderWay) this.#queue.add(entry, urgency);
  }

  /**
   * Others have just stopped to use an address without any conflict: it need not be asked for if it is used again soon.
   */
  trust(vip: IpAddress): void {
    this.#trustedUntilMs.set(String(vip), this.#options.clock.now() + UNHEARD_FRESH_MS);
  }

  /** A frame says that `mac` uses the address, or is about to. */
  claimed(vip: IpAddress, segment: Segment, mac: MacAddress): void {
    const entry = this.#entryOf(vip, segment);
    // Strangers may send a thousand claims a second, each from another address; one is enough until the next question.
    if (entry.state === 'conflict' || entry.isDoubted || this.#options.isOurs(mac)) return;
    this.#believe(entry, mac);
  }

  #believe(entry: Entry, mac: MacAddress): void {
    if (entry.urgency === 'at-need' || entry.state === 'conflict') {
      void this.#identify(entry, mac);
      return;
    }
    // Who needs the address meanwhile asks for it anew.
    entry.state = 'unknown';
    entry.isDoubted = true;
    entry.freshUntilMs = this.#options.clock.now() + 2 * BELIEVE_AFTER_MS;
    this.#options.clock.after(BELIEVE_AFTER_MS, () => {
      entry.isDoubted = false;
      if (this.#isCurrent(entry) && !this.#options.isOurs(mac)) void this.#identify(entry, mac);
    });
  }

  // A node of the cluster that is not heard is no stranger: the address is asked for again until it answers no more, or
  // is heard. One that goes on has the address by other means than Berth.
  async #identify(entry: Entry, mac: MacAddress): Promise<void> {
    const { question, segment } = entry;
    entry.isDoubted = true;
    const isNode = await this.#options.isNode(mac, segment);
    entry.isDoubted = false;
    if (!this.#isCurrent(entry) || entry.question !== question) return;
    const { clock } = this.#options;
    if (isNode) entry.nodeSinceMs ??= clock.now();
    const isPassing = isNode && clock.now() - (entry.nodeSinceMs ?? 0) < NODE_ANSWERS_MS;
    if (!isPassing) this.#settle(entry, mac);
    else if (entry.work === 'none') this.#queue.add(entry, entry.urgency);
  }

  /** From now on nothing is heard about the address: what is known of it does not count for long. */
  unheard(vip: IpAddress, ifindex: number): void {
    const entry = this.#entries.get(keyOf(vip, ifindex));
    const untilMs = this.#options.clock.now() + UNHEARD_FRESH_MS;
    if (entry) entry.freshUntilMs = Math.min(entry.freshUntilMs, untilMs);
  }

  /** Addresses that strangers use. */
  conflicts(): AddressConflict[] {
    return [...this.#entries.values()].flatMap(({ conflict }) => conflict ?? []);
  }

  /**
   * Forgets what is old or of no interest and has conflicts looked at again. Called from time to time and when segments
   * changed. `isOfInterest`: whether the address may be given, or is wanted.
   */
  sweep(segments: readonly Segment[], isOfInterest: (vip: IpAddress) => boolean): void {
    const nowMs = this.#options.clock.now();
    for (const [vip, untilMs] of this.#trustedUntilMs) if (untilMs <= nowMs) this.#trustedUntilMs.delete(vip);
    for (const entry of [...this.#entries.values()]) {
      const isThere = segments.some(
        (one) => one.ifindex === entry.segment.ifindex && one.mac.equals(entry.segment.mac),
      );
      if (!isThere || !isOfInterest(entry.vip)) this.#forget(entry);
      else if (entry.state === 'conflict') this.#lookAgain(entry, nowMs);
      else if (entry.work === 'none' && !entry.isDoubted && entry.freshUntilMs <= nowMs) this.#forget(entry);
    }
  }

  stop(): void {
    this.#queue.clear();
    this.#entries.clear();
  }

  #entryOf(vip: IpAddress, segment: Segment): Entry {
    const key = keyOf(vip, segment.ifindex);
    const known = this.#entries.get(key);
    if (known) return known;
    const entry = newEntry(vip, segment);
    this.#entries.set(key, entry);
    return entry;
  }

  #isCurrent(entry: Entry): boolean {
    return this.#entries.get(keyOf(entry.vip, entry.segment.ifindex)) === entry;
  }

  #forget(entry: Entry): void {
    this.#entries.delete(keyOf(entry.vip, entry.segment.ifindex));
    this.#queue.delete(entry);
    if (entry.conflict) this.changes.emit();
  }

  // A node that joined may have been taken for a stranger.
  #lookAgain(entry: Entry, nowMs: number): void {
    const isMistake = entry.conflict !== undefined && this.#options.isOurs(entry.conflict.mac);
    const isDue = nowMs - entry.foundMs >= LOOK_AGAIN_MS[entry.urgency];
    if (entry.work === 'none' && (isMistake || isDue)) this.#queue.add(entry, entry.urgency);
  }

  #take(entry: Entry, result: ProbeResult): void {
    entry.work = 'none';
    if (result.end === 'free') this.#clear(entry);
    else if (result.end === 'failed') this.#retry(entry, result.error);
    else if (this.#options.isOurs(result.claimant)) this.#queue.add(entry, entry.urgency);
    else this.#believe(entry, result.claimant);
  }

  #retry(entry: Entry, error: unknown): void {
    entry.failures += 1;
    // What is known of a stranger stays until the wire says otherwise.
    if (entry.urgency === 'at-need' && entry.state !== 'conflict' && entry.failures >= MOST_FAILURES) {
      this.unprobed.emit(entry.vip, entry.segment, error);
      this.#clear(entry);
      return;
    }
    entry.work = 'waiting';
    this.#options.clock.after(RETRY_MS, () => {
      if (this.#isCurrent(entry) && entry.work === 'waiting') this.#queue.add(entry, entry.urgency);
    });
  }

  #clear(entry: Entry): void {
    const nowMs = this.#options.clock.now();
    const isNews = entry.state !== 'clear';
    entry.nodeSinceMs = undefined;
    Object.assign(entry, { state: 'clear', foundMs: nowMs, failures: 0, conflict: undefined });
    // Only what is looked at ahead of need is listened to.
    entry.freshUntilMs = nowMs + (entry.urgency === 'ahead' ? FRESH_MS : UNHEARD_FRESH_MS);
    if (isNews) this.changes.emit();
  }

  #settle(entry: Entry, mac: MacAddress): void {
    const { clock } = this.#options;
    entry.state = 'conflict';
    entry.foundMs = clock.now();
    // An answer that is still under way does not count any more.
    entry.question += 1;
    entry.work = 'none';
    entry.failures = 0;
    this.#queue.delete(entry);
    if (entry.conflict?.mac.equals(mac)) return;
    const sinceSeconds = Math.floor(clock.date().getTime() / 1000);
    const { vip, segment } = entry;
    entry.conflict = { vip, interface: segment.ifname, mac, sinceSeconds, kind: 'before-use' };
    this.found.emit(entry.conflict);
    this.changes.emit();
  }
}
