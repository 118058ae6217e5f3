// SPDX-License-Identifier: Apache-2.0
/** Brings what is answered and announced in line with what this node owns, in the order that keeps every step safe. */
import type { IpAddress, MacAddress, ServiceKey } from '@berth/core';
import type { AnsweredRow } from '@berth/link';
import { isSameSegment, type Segment } from './segments.ts';

/** Answers; the responder of packages/link. */
export interface Answerer {
  readonly attached: readonly number[];
  attach(ifindex: number, mac: MacAddress): void;
  detach(ifindex: number): void;
  replace(rows: readonly AnsweredRow[]): void;
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
  /** An interface could not be opened, most often because it has just gone; the next change tries again. */
  onAttachFailed(segment: Segment, error: unknown): void;
}

export class Wire {
  readonly #options: WireOptions;
  readonly #segments = new Map<number, Segment>();

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** Answers for exactly these VIPs on exactly these segments. When it returns, everything else is silent. */
  apply(segments: readonly Segment[], owned: readonly OwnedVip[]): ServedVip[] {
    const { answerer, groups, announcer } = this.#options;
    for (const known of [...this.#segments.values()])
      if (!segments.some((one) => isSameSegment(one, known))) this.#detach(known);
    const rows = owned.map((one) => ({
      vip: one.vip,
      ifindexes: fitting(one, segments).map(({ ifindex }) => ifindex),
    }));
    // Answers come before announcements, so that who hears of us can ask us.
    answerer.replace(rows);
    for (const segment of segments) if (!this.#segments.has(segment.ifindex)) this.#attach(segment);
    groups.replace(rows);
    announcer.replace(rows);
    for (const segment of this.#segments.values()) announcer.attach(segment.ifindex, segment.mac);
    const attached = segments.filter(({ ifindex }) => this.#segments.has(ifindex));
    return owned.map((one) => ({
      vip: one.vip,
      services: one.services,
      interfaces: fitting(one, attached).map(({ ifname }) => ifname),
    }));
  }

  /** Stops answering and announcing everything. */
  silence(): void {
    this.#options.answerer.replace([]);
    this.#options.groups.replace([]);
    this.#options.announcer.replace([]);
  }

  /** Segments that are listened on. */
  get segments(): readonly Segment[] {
    return [...this.#segments.values()];
  }

  #attach(segment: Segment): void {
    try {
      this.#options.answerer.attach(segment.ifindex, segment.mac);
      this.#options.groups.attach(segment.ifindex);
      this.#segments.set(segment.ifindex, segment);
    } catch (error) {
      this.#options.onAttachFailed(segment, error);
    }
  }

  #detach(segment: Segment): void {
    this.#segments.delete(segment.ifindex);
    this.#options.answerer.detach(segment.ifindex);
    this.#options.groups.detach(segment.ifindex);
    this.#options.announcer.detach(segment.ifindex);
  }
}

function fitting({ vip, interfaces }: OwnedVip, segments: readonly Segment[]): readonly Segment[] {
  return segments.filter(({ families, ifname }) => families.includes(vip.family) && interfaces.includes(ifname));
}
