// SPDX-License-Identifier: Apache-2.0
/**
 * Looks every few seconds, and when the kernel tells of filters that came or went, whether what answers is still
 * attached; and sees to it that this node's kernel does not answer for VIPs of others (kube-proxy in IPVS mode puts all
 * of them on every node).
 */
import type { IpAddress } from '@berth/core';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import type { Segment } from './segments.ts';
import type { Wire } from './wire.ts';

/** How often it looks, in milliseconds. */
const LOOK_MS = 2_000;
/** Several pieces of news of one moment are followed together, after this time in milliseconds. */
const GATHER_MS = 20;
/**
 * For so long after the last look questions for VIPs of others are held back, in milliseconds. A process that stands
 * still keeps its kernel silent for a while, since others have taken over; one that is gone for good must not leave a
 * node that answers nothing.
 */
const QUIET_MS = 60_000;

export interface AnswerWatchOptions {
  readonly clock: Clock;
  readonly wire: Pick<Wire, 'check' | 'segments'>;
  readonly answerer: { keepQuiet(milliseconds: number): void; canHoldBack(ifindex: number): boolean };
  /** Calls back on each change of filters on an interface, until the function that it returns is called. */
  listen(onNews: (ifindex: number) => void): () => void;
  /** Whether the kernel has one of these VIPs as an address and would answer for it on the interface. */
  wouldAnswer(segment: Segment): boolean;
}

export class AnswerWatch {
  readonly name = 'answer watch';
  /** A segment is not answered any more, or is answered otherwise. */
  readonly changes = new Signal();
  /**
   * This node's kernel answers for VIPs of others on a segment, and nothing can be done about it here; or does so no
   * more.
   */
  readonly leaks = new Signal<[segment: Segment, state: 'began' | 'ended']>();
  readonly #options: AnswerWatchOptions;
  #timer: Timer | undefined;
  #gathering: Timer | undefined;
  #close: (() => void) | undefined;
  #leaking: ReadonlyMap<number, Segment> = new Map();

  constructor(options: AnswerWatchOptions) {
    this.#options = options;
  }

  start(): void {
    const isOurs = (ifindex: number) => this.#options.wire.segments.some((one) => one.ifindex === ifindex);
    this.#close = this.#options.listen((ifindex) => {
      if (isOurs(ifindex)) this.#gathering ??= this.#options.clock.after(GATHER_MS, () => this.#gathered());
    });
    this.#turn();
  }

  stop(): void {
    this.#close?.();
    this.#timer?.cancel();
    this.#gathering?.cancel();
  }

  /** Whether the kernel may answer for VIPs of others on an interface. */
  isLeaking(ifindex: number): boolean {
    return this.#leaking.has(ifindex);
  }

  #gathered(): void {
    this.#gathering = undefined;
    this.#look();
  }

  #turn(): void {
    this.#options.answerer.keepQuiet(QUIET_MS);
    this.#look();
    this.#timer = this.#options.clock.after(LOOK_MS, () => this.#turn());
  }

  #look(): void {
    if (this.#options.wire.check()) this.changes.emit();
    this.#lookForLeaks();
  }

  #lookForLeaks(): void {
    const { wire, answerer, wouldAnswer } = this.#options;
    const open = wire.segments.filter(({ ifindex }) => !answerer.canHoldBack(ifindex)).filter(wouldAnswer);
    const before = this.#leaking;
    this.#leaking = new Map(open.map((one) => [one.ifindex, one]));
    const begun = open.filter(({ ifindex }) => !before.has(ifindex));
    const ended = [...before.values()].filter(({ ifindex }) => !this.#leaking.has(ifindex));
    for (const one of begun) this.leaks.emit(one, 'began');
    for (const one of ended) this.leaks.emit(one, 'ended');
    if (begun.length + ended.length > 0) this.changes.emit();
  }
}

/** What is known of this node's kernel. */
export interface KernelFacts {
  /** All addresses of the node, whatever interface they are on. */
  readonly addresses: readonly IpAddress[];
  readonly vips: readonly IpAddress[];
  /** Of the interface or of all, whichever is higher (ip-sysctl: arp_ignore). */
  readonly arpIgnore: number;
}

/**
 * Whether the kernel answers ARP for one of the VIPs: it has the address, on whichever interface, and no option
 * (arp_ignore) keeps it from answering. Neighbor solicitations it answers only on the interface that has the address.
 * Pure.
 */
export function answersForVips({ addresses, vips, arpIgnore }: KernelFacts): boolean {
  if (arpIgnore > 0) return false;
  const own = new Set(addresses.filter(({ family }) => family === 'IPv4').map(String));
  return vips.some((vip) => vip.family === 'IPv4' && own.has(String(vip)));
}
