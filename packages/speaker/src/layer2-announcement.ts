// SPDX-License-Identifier: Apache-2.0
/**
 * Announcement by ARP and neighbor discovery: membership says what this node owns, and that is answered and announced
 * on the segments. What is owned is followed without looking at the cluster again.
 */
import type { IpAddress, NodeFacts } from '@berth/core';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import type { AnnouncementProtocol } from './announcement-protocol.ts';
import type { WantedVip } from './cluster/wanted-vips.ts';
import type { Segment } from './layer2/segments.ts';
import type { ServedVips } from './layer2/served-vips.ts';
import type { ServedVip, Wire } from './layer2/wire.ts';
import type { Memberships } from './membership/memberships.ts';
import { restAfter } from './rest.ts';

/**
 * Longest wait for VIPs that no one answered for before, in milliseconds. It is reached where one look takes
 * 26 ms, as with a thousand VIPs on a slow node.
 */
const MAX_REST_MS = 500;
/**
 * What could not be opened, or had no room, is tried again after this time, in milliseconds: news that would do so may
 * not come for hours.
 */
const ATTACH_AGAIN_MS = 2_000;

export interface Layer2Options {
  /** The fitting interfaces of this moment. */
  segments(): readonly Segment[];
  /** Membership, behind the first use of a VIP. */
  readonly memberships: Pick<Memberships, 'open' | 'want' | 'owned' | 'answeringChanged' | 'close'>;
  readonly wire: Pick<Wire, 'apply' | 'silence' | 'segments' | 'shortfall'>;
  /** Listens for questions for all VIPs, so that those who asked get a frame of their own after a takeover. */
  readonly audience: { listen(vips: readonly IpAddress[], ifindexes: readonly number[]): void };
  readonly clock: Clock;
  /** Hands everything over among the members. */
  leave(): Promise<void>;
  /** Kept by this, for all who read it. */
  readonly vips: ServedVips;
}

export class Layer2Announcement implements AnnouncementProtocol {
  readonly name = 'layer 2';
  /** An interface came, or is back. */
  readonly segmentNews = new Signal();
  readonly #options: Layer2Options;
  /** Indexes of the interfaces that fitted when links last changed. */
  #fitting: ReadonlySet<number> = new Set();
  #isRunning = false;
  #vips: readonly IpAddress[] = [];
  #answering: Timer | undefined;
  #attachAgain: Timer | undefined;
  /** The segments that are answered and the VIPs that there is no room for, as membership knows them. */
  #answerable = '';
  /** When new VIPs are answered, at the earliest; on the clock. */
  #restsUntilMs = 0;

  constructor(options: Layer2Options) {
    this.#options = options;
  }

  get served(): readonly ServedVip[] {
    return this.#options.vips.now;
  }

  start(): void {
    this.#isRunning = true;
    this.#fitting = this.#fittingNow();
    this.#options.memberships.open();
  }

  want(wanted: readonly WantedVip[], nodes: Iterable<NodeFacts>): void {
    if (!this.#isRunning) return;
    this.#vips = wanted.map(({ vip }) => vip);
    this.#options.memberships.want(wanted, nodes);
    this.#listen(this.#vips);
    this.#answer();
  }

  leave(): Promise<void> {
    return this.#options.leave();
  }

  /** Stops winning, then answering. */
  stop(): void {
    this.#isRunning = false;
    const { wire, audience, memberships } = this.#options;
    wire.silence();
    audience.listen([], []);
    memberships.close();
    this.#options.vips.replace([]);
  }

  /** What this node owns has changed; followed before this returns. */
  ownershipChanged(): void {
    this.#answer();
  }

  /** What answers on the segments of this node has changed; followed before this returns. */
  attachmentsChanged(): void {
    this.#answer();
  }

  /**
   * A VIP that no one answers for yet may be answered from now on. A single one is at once; of many in a row several
   * together.
   */
  mayAnswerMore(): void {
    if (!this.#isRunning) return;
    const { clock } = this.#options;
    this.#answering ??= clock.after(Math.max(0, this.#restsUntilMs - clock.now()), () => this.#answer());
  }

  /** News of the interfaces, which {@link Layer2Announcement.want} has followed. */
  linksChanged(): void {
    if (!this.#isRunning) return;
    const before = this.#fitting;
    this.#fitting = this.#fittingNow();
    if ([...this.#fitting].some((ifindex) => !before.has(ifindex))) this.segmentNews.emit();
  }

  #fittingNow(): Set<number> {
    return new Set(this.#options.segments().map(({ ifindex }) => ifindex));
  }

  #answer(): void {
    this.#answering?.cancel();
    this.#answering = undefined;
    if (!this.#isRunning) return;
    const { memberships, wire, clock, vips } = this.#options;
    const startMs = clock.now();
    const segments = this.#options.segments();
    vips.replace(wire.apply(segments, memberships.owned(), this.#vips));
    this.#restsUntilMs = restAfter(startMs, clock.now(), MAX_REST_MS);
    this.#followAnswerable();
    if (wire.segments.length === segments.length && wire.shortfall === undefined) return;
    this.#attachAgain ??= clock.after(ATTACH_AGAIN_MS, () => {
      this.#attachAgain = undefined;
      this.#answer();
    });
  }

  // Last of all: it may end in another change of what is owned.
  #followAnswerable(): void {
    const { wire, memberships } = this.#options;
    const missing = wire.shortfall?.missing.map(String).sort() ?? [];
    const answerable = [...wire.segments.map(({ ifindex }) => ifindex), ...missing].join(' ');
    if (answerable === this.#answerable) return;
    this.#answerable = answerable;
    memberships.answeringChanged();
  }

  #listen(vips: readonly IpAddress[]): void {
    const ifindexes = this.#options.segments().map(({ ifindex }) => ifindex);
    this.#options.audience.listen(vips, ifindexes);
  }
}
