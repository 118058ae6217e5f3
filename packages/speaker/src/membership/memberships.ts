// SPDX-License-Identifier: Apache-2.0
/**
 * Membership on all segments of this node: one loop for each fitting interface, one pace of heartbeats, one fence.
 * Knows which VIPs this node owns where.
 */
import {
  currentPaceMs,
  cutOffSinceMs,
  type IpAddress,
  type Member,
  type NodeFacts,
  type NodeFitness,
  type Transport,
} from '@berth/core';
import type { Timer } from '@berth/runtime';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { Segment } from '../layer2/segments.ts';
import type { OwnedVip } from '../layer2/wire.ts';
import { Farewell } from './farewell.ts';
import { HeldDepartures } from './held-departures.ts';
import { type Joined, JoinedSegments } from './joined-segments.ts';
import type { OwnedUrgency } from './loop-options.ts';
import { MembershipNews } from './membership-news.ts';
import type { Answering, MembershipsOptions } from './memberships-options.ts';
import { NativeBeats } from './native-beats.ts';
import { OwnFlags } from './own-flags.ts';
import { SegmentJoiner } from './segment-joiner.ts';
import { desiredOn, groupByVip, type VipGroup } from './vip-groups.ts';

export class Memberships {
  readonly news = new MembershipNews();
  readonly #options: MembershipsOptions;
  readonly #beats: NativeBeats;
  readonly #joined: JoinedSegments;
  readonly #farewell: Farewell;
  readonly #flags: OwnFlags;
  readonly #joiner: SegmentJoiner;
  readonly #departures: HeldDepartures;
  #state: 'closed' | 'open' | 'leaving' = 'closed';
  #groups: ReadonlyMap<string, VipGroup> = new Map();
  #nodes: readonly NodeFacts[] = [];
  /** What this node owns has changed since it was last asked for. */
  #followSoon: Timer | undefined;

  constructor(options: MembershipsOptions) {
    this.#options = options;
    this.#joined = options.joined ?? new JoinedSegments(options);
    this.#beats = this.#newBeats();
    this.#farewell = new Farewell(options, this.#joined);
    this.#flags = new OwnFlags(options.answering, this.#joined);
    this.#joiner = this.#newJoiner();
    this.#departures = new HeldDepartures(options, this.#joined, {
      isOpen: () => this.#state !== 'closed',
      serves: (vip) => this.#groups.get(String(vip))?.local?.has(options.nodeName) ?? true,
      flags: this.#flags,
      onLookedAgain: () => this.#desire(),
    });
  }

  get transport(): Transport {
    return this.#options.ways?.transport ?? 'multicast';
  }

  /** Whether this node could serve clients; where nothing answers on a segment it says there that it could not. */
  get fitness(): NodeFitness {
    return this.#flags.fitness;
  }

  /** How a member of a segment is heard; undefined: by multicast. */
  wayOf(ifname: string, member: Pick<Member, 'node' | 'mac'>): 'unicast' | 'udp' | undefined {
    const joined = this.#joined.named(ifname);
    return joined && this.#options.ways?.wayOf(joined.segment, member);
  }

  /** Ready nodes that are heard in no way on an interface and answer nothing there. */
  notReachedOn(ifname: string): readonly string[] {
    const joined = this.#joined.named(ifname);
    return (joined && this.#options.ways?.notReachedOn(joined.segment)) ?? [];
  }

  get beats(): NativeBeats {
    return this.#beats;
  }

  /** 16 hex digits that name this start of the process. */
  get bootId(): string {
    return this.#options.bootId;
  }

  /** What this node could answer. */
  get answering(): Answering {
    return this.#options.answering;
  }

  /** The segments with what is known of each. */
  get loops(): readonly Joined[] {
    return this.#joined.all;
  }

  /** Begins to listen on all segments; owns nothing before that is over. */
  open(): void {
    if (this.#state !== 'closed') return;
    this.#state = 'open';
    this.#joiner.followSegments();
    this.#beats.start();
  }

  /** Ends at once. */
  close(): void {
    this.#state = 'closed';
    this.#beats.stop();
    for (const { loop } of this.#joined.values()) loop.stop();
    this.#joined.clear();
    this.#joiner.stop();
    this.#departures.stop();
    this.#followSoon?.cancel();
    this.#followSoon = undefined;
  }

  /** Hands everything over and says goodbye; resolves when that is done on all segments. */
  leave(): Promise<void> {
    if (this.#state !== 'open') return Promise.resolve();
    this.#state = 'leaving';
    return this.#farewell.say();
  }

  /** Tells the segments of this moment what the cluster wants. */
  want(wanted: readonly WantedVip[], nodes: Iterable<NodeFacts>): void {
    if (this.#state === 'closed') return;
    this.#joiner.followSegments();
    this.#groups = groupByVip(wanted, this.#options.localNodes);
    this.#nodes = [...nodes];
    this.#desire();
  }

  /** Whether this node could serve clients, by what it knows of itself. */
  become(fitness: NodeFitness): void {
    this.#departures.become(fitness);
  }

  /** Whether no connection breaks where this node hands over a VIP on purpose or takes one, as far as it knows. */
  keepConnections(keepConnections: boolean): void {
    this.#flags.keepConnections(keepConnections);
  }

  /**
   * What {@link MembershipsOptions.answering} says has changed: this node hands over what it cannot answer, and may
   * take what it can.
   */
  answeringChanged(): void {
    if (this.#state === 'closed') return;
    this.#flags.sayFitness();
    this.#desire();
  }

  /**
   * The VIPs that this node owns now, with the interfaces on which it does. The caller answers for exactly these before
   * it returns to the event loop.
   */
  owned(): OwnedVip[] {
    if (this.#state === 'closed') return [];
    this.#followSoon?.cancel();
    this.#followSoon = undefined;
    this.#beats.tableIsRight();
    const owned: OwnedVip[] = [];
    for (const { vip, services } of this.#groups.values()) {
      const interfaces = this.#joined.owning(vip);
      if (interfaces.length > 0) owned.push({ vip, services, interfaces });
    }
    return owned.sort((a, b) => a.vip.compare(b.vip));
  }

  /**
   * Whether this node is cut off on an interface, and it would be news that a host there asks for the VIP. Costs two
   * look-ups.
   */
  awaitsDemand(ifindex: number, vip: IpAddress): boolean {
    const state = this.#joined.at(ifindex)?.loop.state;
    return state !== undefined && cutOffSinceMs(state) !== undefined && !state.demands.has(String(vip));
  }

  /** A host that is no node asked for a VIP on an interface on which this node is cut off. */
  demanded(ifindex: number, vip: IpAddress): void {
    this.#joined.at(ifindex)?.loop.give({ type: 'demanded', vip });
  }

  #newBeats(): NativeBeats {
    const { timing, clock, answerer, thread, measures } = this.#options;
    return new NativeBeats({
      ...{ timing, clock, answerer, thread, measures },
      paceMs: () => this.#paceMs(),
      frames: () => this.#joined.all.flatMap(({ loop }) => loop.beatFrame() ?? []),
      onLapsed: () => this.#lapse(),
      onFailed: (ifindex, error) => {
        const joined = this.#joined.at(ifindex);
        if (joined) this.news.failures.emit(joined.segment, error);
      },
    });
  }

  #newJoiner(): SegmentJoiner {
    return new SegmentJoiner(this.#options, this.#joined, {
      isOpen: () => this.#state === 'open',
      flags: this.#flags,
      mayOffer: (offer) => this.#departures.mayOffer(offer),
      onStepped: () => this.#beats.decided(),
      onBeat: () => this.#beats.framesChanged(),
      onOwned: (urgency) => this.#changed(urgency),
      onSilenced: () => this.#silenced(),
      onLeft: () => this.#farewell.settle(),
      onLookedAgain: () => this.#desire(),
      news: this.news,
    });
  }

  #desire(): void {
    const { nodeName, eligibility, answering } = this.#options;
    const canAnswer = (segment: Segment, vip: IpAddress) => answering.isAttached(segment) && !answering.lacks(vip);
    const facts = { nodeName, nodes: this.#nodes, eligibility, canAnswer };
    for (const { segment, loop } of this.#joined.values())
      loop.desire(this.#departures.desiresOf(desiredOn(segment, this.#groups, facts), segment, loop.state));
    this.news.wishes.emit();
  }

  // A list of many claims comes in several frames, one after the other: what they take away is followed together.
  #changed(urgency: OwnedUrgency): void {
    if (urgency === 'now') this.news.ownership.emit();
    else if (urgency === 'new') this.news.additions.emit();
    else this.#followSoon ??= this.#options.clock.after(0, () => this.news.ownership.emit());
  }

  // The fence is closed first, so nothing is answered from here on; it opens again once the table has been made anew.
  #silenced(): void {
    this.#beats.rearm();
    this.#changed('soon');
  }

  #lapse(): void {
    // Without a segment there is nothing to give up.
    if (this.#joined.all.length === 0) this.#beats.rearm();
    for (const { loop } of this.#joined.all) loop.give({ type: 'lapsed' });
  }

  #paceMs(): number {
    const paces = this.#joined.all.map(({ loop }) => currentPaceMs(loop.state));
    return Math.min(this.#options.timing.intervalMs * 2, ...paces);
  }
}
