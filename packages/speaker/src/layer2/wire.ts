// SPDX-License-Identifier: Apache-2.0
/** Brings what is answered and announced in line with what this node owns, in the order that keeps every step safe. */
import type { IpAddress, MacAddress, ServiceKey } from '@berth/core';
import type { AnsweredRow, Shortfall } from '@berth/link';
import { type Clock, Signal } from '@berth/runtime';
import { type Attaching, type AttachmentNews, Attachments, type SegmentAnswer } from './attachments.ts';
import type { Segment } from './segments.ts';

/** Answers; the responder of packages/link. */
export interface Answerer extends Attaching {
  replace(rows: readonly AnsweredRow[]): void;
  /** What its table had no room for. */
  readonly shortfall: Shortfall | undefined;
}

/** Announces; the announcer of packages/link. */
export interface Announcing {
  attach(ifindex: number, mac: MacAddress): void;
  detach(ifindex: number): void;
  replace(rows: readonly AnsweredRow[]): void;
}

/** Joins the multicast groups by which IPv6 VIPs are asked for; the solicited-node groups of packages/link. */
export interface Joining {
  attach(ifindex: number): void;
  detach(ifindex: number): void;
  replace(rows: readonly AnsweredRow[]): void;
}

/** A VIP that this node owns. */
export interface OwnedVip {
  readonly vip: IpAddress;
  /** Keys of the Services that hold it, sorted. */
  readonly services: readonly ServiceKey[];
  /** Names of the interfaces on which it may be answered. */
  readonly interfaces: readonly string[];
}

/** A VIP that is answered now. */
export interface ServedVip {
  readonly vip: IpAddress;
  readonly services: readonly ServiceKey[];
  /** Names of the interfaces on which it is answered; may be empty. */
  readonly interfaces: readonly string[];
}

export interface WireOptions {
  readonly answerer: Answerer;
  readonly groups: Joining;
  readonly announcer: Announcing;
  readonly clock: Pick<Clock, 'now'>;
}

export class Wire {
  /** What became of the answerer on a segment. */
  readonly news = new Signal<[segment: Segment, news: AttachmentNews]>();
  readonly #options: WireOptions;
  readonly #attachments: Attachments;
  #vips: readonly IpAddress[] = [];
  #lacking: { readonly of: Shortfall | undefined; readonly keys: ReadonlySet<string> } = {
    of: undefined,
    keys: new Set(),
  };

  constructor(options: WireOptions) {
    this.#options = options;
    this.#attachments = new Attachments(options);
    this.#attachments.news.subscribe((segment, news) => this.news.emit(segment, news));
  }

  /**
   * Answers for exactly what is owned, on exactly these segments. When it returns, everything else is silent: for the
   * other `vips`, all of Berth's, questions are held back from this node's kernel.
   */
  apply(segments: readonly Segment[], owned: readonly OwnedVip[], vips: readonly IpAddress[] = []): ServedVip[] {
    const { answerer, groups, announcer } = this.#options;
    for (const known of this.#attachments.outdated(segments)) this.#detach(known);
    const rows = owned.map((one) => ({
      vip: one.vip,
      ifindexes: fitting(one, segments).map(({ ifindex }) => ifindex),
    }));
    this.#vips = vips;
    // Answers come before announcements, so that who hears of us can ask us.
    answerer.replace([...rows, ...rowsOfOthers(vips, owned)]);
    for (const segment of segments) if (!this.#attachments.has(segment.ifindex)) this.#attach(segment);
    groups.replace(rows);
    announcer.replace(rows);
    // As they are now: families of a segment come and go while it is attached.
    const attached = segments.filter(({ ifindex }) => this.#attachments.has(ifindex));
    for (const { ifindex, mac } of attached) announcer.attach(ifindex, mac);
    return owned.map((one) => {
      const where = this.lacks(one.vip) ? [] : fitting(one, attached);
      return { vip: one.vip, services: one.services, interfaces: where.map(({ ifname }) => ifname) };
    });
  }

  /** Stops answering and announcing everything. */
  silence(): void {
    this.#options.answerer.replace(rowsOfOthers(this.#vips, []));
    this.#options.groups.replace([]);
    this.#options.announcer.replace([]);
  }

  /** Segments that are answered. */
  get segments(): readonly Segment[] {
    return this.#attachments.segments;
  }

  /** How a segment is answered; undefined where it is not. */
  answerOf({ ifindex }: Pick<Segment, 'ifindex'>): SegmentAnswer | undefined {
    return this.#attachments.answerOf(ifindex);
  }

  /** Whether the table has no room for a VIP, so that it can be neither answered nor held back. */
  lacks(vip: IpAddress): boolean {
    const { shortfall } = this.#options.answerer;
    if (this.#lacking.of !== shortfall)
      this.#lacking = { of: shortfall, keys: new Set(shortfall?.missing.map(String)) };
    return this.#lacking.keys.size > 0 && this.#lacking.keys.has(String(vip));
  }

  get shortfall(): Shortfall | undefined {
    return this.#options.answerer.shortfall;
  }

  /**
   * Looks whether what was attached is still there, and repairs that. Returns whether a segment is not answered any
   * more.
   */
  check(): boolean {
    const lost = this.#attachments.check();
    for (const { ifindex } of lost) {
      this.#options.groups.detach(ifindex);
      this.#options.announcer.detach(ifindex);
    }
    return lost.length > 0;
  }

  #attach(segment: Segment): void {
    if (!this.#attachments.attach(segment)) return;
    try {
      this.#options.groups.attach(segment.ifindex);
    } catch (error) {
      // Most often it has just gone; the next change tries again.
      this.#attachments.detach(segment);
      this.news.emit(segment, { kind: 'not-attached', error });
    }
  }

  #detach(segment: Segment): void {
    this.#attachments.detach(segment);
    this.#options.groups.detach(segment.ifindex);
    this.#options.announcer.detach(segment.ifindex);
  }
}

function rowsOfOthers(vips: readonly IpAddress[], owned: readonly OwnedVip[]): AnsweredRow[] {
  const own = new Set(owned.map(({ vip }) => String(vip)));
  return vips.filter((vip) => !own.has(String(vip))).map((vip) => ({ vip, ifindexes: NOWHERE }));
}

const NOWHERE: readonly number[] = [];

function fitting({ vip, interfaces }: OwnedVip, segments: readonly Segment[]): readonly Segment[] {
  return segments.filter(({ families, ifname }) => families.includes(vip.family) && interfaces.includes(ifname));
}
