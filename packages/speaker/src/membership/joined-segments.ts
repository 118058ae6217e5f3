// SPDX-License-Identifier: Apache-2.0
/**
 * The segments that this node has joined, with the membership loop of each, and what the loops must know of each other.
 */
import { countersHeard, type FrameSender, type Identity, type IpAddress } from '@berth/core';
import type { Clock } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { ArrivalProblem, HeartbeatSource } from './heartbeat-frames.ts';
import { InterfaceNumbers } from './interface-numbers.ts';
import type { OtherSegments } from './loop-options.ts';
import type { MembershipLoop } from './membership-loop.ts';
import { OwnFrames } from './own-frames.ts';
import { heardElsewhere } from './relayed.ts';

const NONE: readonly string[] = [];

export interface Joined {
  readonly segment: Segment;
  readonly loop: MembershipLoop;
}

export interface JoinedSegmentsOptions {
  readonly nodeName: string;
  /** 16 hex digits, random for each start. */
  readonly bootId: string;
  readonly source: Pick<HeartbeatSource, 'nextCounter'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Mutable: {@link Memberships} joins and leaves, everybody else reads. */
export class JoinedSegments {
  readonly #options: JoinedSegmentsOptions;
  readonly #joined = new Map<number, Joined>();
  /** Counters of peers on interfaces that are gone, so that their old frames stay old when one is back. */
  readonly #heardBefore = new Map<number, ReadonlyMap<string, number>>();
  readonly #numbers = new InterfaceNumbers();
  readonly #ownFrames: OwnFrames;

  constructor(options: JoinedSegmentsOptions) {
    this.#options = options;
    this.#ownFrames = new OwnFrames({ nextCounter: () => options.source.nextCounter() });
  }

  /** A copy: segments may be joined and left while a caller goes through it. */
  get all(): readonly Joined[] {
    return [...this.#joined.values()];
  }

  /** Not a copy, for those who ask for each VIP of the cluster. */
  values(): Iterable<Joined> {
    return this.#joined.values();
  }

  at(ifindex: number): Joined | undefined {
    return this.#joined.get(ifindex);
  }

  named(ifname: string): Joined | undefined {
    return this.all.find(({ segment }) => segment.ifname === ifname);
  }

  /**
   * Names of the interfaces on which this node owns the VIP. Asked for each VIP of the cluster, most of which others
   * own.
   */
  owning(vip: IpAddress): readonly string[] {
    let names: readonly string[] = NONE;
    for (const { segment, loop } of this.#joined.values()) if (loop.owns(vip)) names = [...names, segment.ifname];
    return names;
  }

  set(segment: Segment, loop: MembershipLoop): void {
    this.#joined.set(segment.ifindex, { segment, loop });
  }

  /** A segment that could not be joined. */
  forget(ifindex: number): void {
    this.#joined.delete(ifindex);
  }

  /** A segment that was joined and is gone: the counters of its peers are kept. */
  leave(ifindex: number): void {
    const joined = this.#joined.get(ifindex);
    if (joined) this.#heardBefore.set(ifindex, countersHeard(joined.loop.state));
    this.#joined.delete(ifindex);
  }

  clear(): void {
    this.#joined.clear();
  }

  /** Counters that were heard on an interface before; undefined: it was never joined. */
  heardBefore(ifindex: number): ReadonlyMap<string, number> | undefined {
    return this.#heardBefore.get(ifindex);
  }

  /** Who this node is on a segment; `fitting` are the segments of this moment. */
  identityOn(segment: Segment, fitting: readonly Segment[]): Identity {
    const { nodeName, bootId } = this.#options;
    const present = new Set([...this.#joined.keys(), ...fitting.map(({ ifindex }) => ifindex)]);
    const self = { node: nodeName, bootId, port: this.#numbers.of(segment.ifindex, present), mac: segment.mac };
    this.#ownFrames.use(self);
    return self;
  }

  /** What the loop of a segment asks about the others of this process. */
  othersOf({ ifindex }: Segment, self: Identity): OtherSegments {
    return {
      problemOf: (sender) => this.#problemOf(ifindex, self, sender),
      isLive: (own) => this.#ownFrames.isLive(self.port, own, this.#options.clock.now()),
    };
  }

  #problemOf(ifindex: number, self: Identity, sender: FrameSender): ArrivalProblem | undefined {
    if (sender.bootId === self.bootId) return this.#ownFrames.isOld(self.port, sender) ? 'replayed' : undefined;
    // A frame cannot be relayed from another segment where there is only one.
    if (this.#joined.size < 2) return undefined;
    const others = this.all.filter(({ segment }) => segment.ifindex !== ifindex).map(({ loop }) => loop.state);
    const here = this.#joined.get(ifindex)?.loop.state;
    return here && heardElsewhere(sender, here, others, this.#options.clock.now());
  }
}
