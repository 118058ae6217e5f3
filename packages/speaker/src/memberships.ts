// SPDX-License-Identifier: Apache-2.0
/**
 * Membership on all segments of this node: one loop for each fitting interface, one pace of heartbeats, one fence. Knows which VIPs
 * this node owns where.
 */
import {
  countersHeard,
  currentPaceMs,
  type EligibilityOptions,
  type IpAddress,
  type NodeFacts,
  type NodeFitness,
  type Timing,
  type Transport,
} from '@berth/core';
import type { Clock, Timer } from '@berth/kube';
import type { HeartbeatSource } from './heartbeat-frames.ts';
import {
  MembershipLoop,
  type MembershipLoopOptions,
  type OwnedUrgency,
  type SegmentSocket,
} from './membership-loop.ts';
import { type BeatThread, type FencedAnswerer, NativeBeats } from './native-beats.ts';
import { isSameSegment, type Segment } from './segments.ts';
import { desiredOn, groupByVip, type LocalNodes, type VipGroup } from './vip-groups.ts';
import type { WantedVip } from './wanted-vips.ts';
import type { OwnedVip } from './wire.ts';

const NONE: readonly string[] = [];
const GOODBYES = 3;
/** A segment that could not be joined is tried again after this time, in milliseconds: news that would do so may not come for hours. */
const JOIN_AGAIN_MS = 2_000;

export interface MembershipsOptions {
  readonly nodeName: string;
  /** 16 hex digits, random for each start. */
  readonly bootId: string;
  readonly timing: Timing;
  readonly rebalance: 'off' | 'gradual';
  readonly eligibility: EligibilityOptions;
  /** For Services with `externalTrafficPolicy: Local`. */
  readonly localNodes: LocalNodes;
  readonly source: HeartbeatSource;
  readonly clock: Clock;
  readonly answerer: FencedAnswerer;
  /** Sends heartbeats. */
  readonly thread: BeatThread;
  /** The fitting interfaces of this moment. */
  segments(): readonly Segment[];
  /** How peers are reached; for people. Default: by multicast. */
  transport?(): Transport;
  /** Opens a socket for heartbeats. Throws what the system says. */
  openSocket(segment: Segment): SegmentSocket;
  /** What this node owns has changed, by news of one or several frames; {@link Memberships.owned} knows. To be followed before it returns. */
  onOwned(): void;
  /** It owns VIPs that nobody had before; they can wait a moment. */
  onNew(): void;
  onAnnounce(vip: IpAddress, segment: Segment): void;
  onReport: (report: Parameters<MembershipLoopOptions['onReport']>[0], segment: Segment) => void;
  onFailed(segment: Segment, error: unknown): void;
}

interface Joined {
  readonly segment: Segment;
  readonly loop: MembershipLoop;
}

export class Memberships {
  readonly #options: MembershipsOptions;
  readonly #beats: NativeBeats;
  readonly #joined = new Map<number, Joined>();
  /** Counters of peers on interfaces that are gone, so that their old frames stay old when one is back. */
  readonly #heardBefore = new Map<number, ReadonlyMap<string, number>>();
  #state: 'closed' | 'open' | 'leaving' = 'closed';
  #groups: ReadonlyMap<string, VipGroup> = new Map();
  #nodes: readonly NodeFacts[] = [];
  #fitness: NodeFitness = 'fit';
  /** What this node owns has changed since it was last asked for. */
  #news: Timer | undefined;
  #joinAgain: Timer | undefined;
  #onAllLeft: (() => void) | undefined;

  constructor(options: MembershipsOptions) {
    this.#options = options;
    this.#beats = this.#newBeats();
  }

  get transport(): Transport {
    return this.#options.transport?.() ?? 'multicast';
  }

  get beats(): NativeBeats {
    return this.#beats;
  }

  /** 16 hex digits that name this start of the process. */
  get bootId(): string {
    return this.#options.bootId;
  }

  /** The segments with what is known of each. */
  get loops(): readonly Joined[] {
    return [...this.#joined.values()];
  }

  /** Begins to listen on all segments; owns nothing before that is over. */
  open(): void {
    if (this.#state !== 'closed') return;
    this.#state = 'open';
    this.#join();
    this.#beats.start();
  }

  /** Ends at once. */
  close(): void {
    this.#state = 'closed';
    this.#beats.stop();
    for (const { loop } of this.#joined.values()) loop.stop();
    this.#joined.clear();
    this.#joinAgain?.cancel();
    this.#joinAgain = undefined;
    this.#news?.cancel();
    this.#news = undefined;
  }

  /** Hands everything over and says goodbye; resolves when that is done on all segments. */
  leave(): Promise<void> {
    if (this.#state !== 'open') return Promise.resolve();
    this.#state = 'leaving';
    return new Promise((resolve) => {
      this.#onAllLeft = resolve;
      for (const { loop } of [...this.#joined.values()]) loop.give({ type: 'leave' });
      this.#settleLeaving();
    });
  }

  /** Tells the segments of this moment what the cluster wants. */
  want(wanted: readonly WantedVip[], nodes: Iterable<NodeFacts>): void {
    if (this.#state === 'closed') return;
    this.#join();
    this.#groups = groupByVip(wanted, this.#options.localNodes);
    this.#nodes = [...nodes];
    this.#desire();
  }

  /** Whether this node could serve clients, by what it knows of itself. */
  become(fitness: NodeFitness): void {
    this.#fitness = fitness;
    for (const { loop } of [...this.#joined.values()]) loop.give({ type: 'fitness', fitness });
  }

  /**
   * The VIPs that this node owns now, with the interfaces on which it does. The caller answers for exactly these before it returns to the
   * event loop.
   */
  owned(): OwnedVip[] {
    if (this.#state === 'closed') return [];
    this.#news?.cancel();
    this.#news = undefined;
    this.#beats.tableIsRight();
    const owned: OwnedVip[] = [];
    for (const { vip, services } of this.#groups.values()) {
      const interfaces = this.#owning(vip);
      if (interfaces.length > 0) owned.push({ vip, services, interfaces });
    }
    return owned.sort((a, b) => a.vip.compare(b.vip));
  }

  #newBeats(): NativeBeats {
    const { timing, clock, answerer, thread, onFailed } = this.#options;
    return new NativeBeats({
      ...{ timing, clock, answerer, thread },
      paceMs: () => this.#paceMs(),
      frames: () => [...this.#joined.values()].flatMap(({ loop }) => loop.beatFrame() ?? []),
      onLapsed: () => this.#lapse(),
      onFailed: (ifindex, error) => {
        const joined = this.#joined.get(ifindex);
        if (joined) onFailed(joined.segment, error);
      },
    });
  }

  /** Names of the interfaces on which this node owns the VIP. Asked for each VIP of the cluster, most of which others own. */
  #owning(vip: IpAddress): readonly string[] {
    let names: readonly string[] = NONE;
    for (const { segment, loop } of this.#joined.values()) if (loop.owns(vip)) names = [...names, segment.ifname];
    return names;
  }

  #desire(): void {
    const { nodeName, eligibility } = this.#options;
    const facts = { nodeName, nodes: this.#nodes, eligibility };
    for (const { segment, loop } of this.#joined.values()) loop.desire(desiredOn(segment, this.#groups, facts));
  }

  #join(): void {
    const fitting = this.#options.segments();
    for (const [ifindex, { segment, loop }] of [...this.#joined]) {
      const same = fitting.find((one) => isSameSegment(one, segment));
      // Its families may be others by now: IPv6 is usable only some time after the cable is in.
      if (same) this.#joined.set(ifindex, { segment: same, loop });
      else this.#leaveSegment(ifindex, loop);
    }
    if (this.#state !== 'open') return;
    for (const segment of fitting) if (!this.#joined.has(segment.ifindex)) this.#joinSegment(segment);
  }

  #leaveSegment(ifindex: number, loop: MembershipLoop): void {
    loop.stop();
    this.#joined.delete(ifindex);
    this.#heardBefore.set(ifindex, countersHeard(loop.state));
    if (this.#state === 'leaving') this.#settleLeaving();
  }

  #joinSegment(segment: Segment): void {
    const { nodeName, bootId, timing, rebalance, source, clock, openSocket, onFailed } = this.#options;
    try {
      const loop = new MembershipLoop({
        ...{ timing, rebalance, source, clock },
        self: { node: nodeName, bootId, port: segment.ifindex, mac: segment.mac },
        retired: this.#heardBefore.get(segment.ifindex),
        socket: openSocket(segment),
        onBeat: () => this.#beats.framesChanged(),
        onOwned: (urgency) => this.#changed(urgency),
        onSilenced: () => this.#silenced(),
        onAnnounce: (vip) => this.#options.onAnnounce(vip, segment),
        onReport: (report) => this.#options.onReport(report, segment),
        onLeft: () => this.#settleLeaving(),
        onSocketError: (error) => onFailed(segment, error),
      });
      this.#joined.set(segment.ifindex, { segment, loop });
      loop.start();
      loop.give({ type: 'fitness', fitness: this.#fitness });
    } catch (error) {
      onFailed(segment, error);
      this.#joinAgain ??= this.#options.clock.after(JOIN_AGAIN_MS, () => {
        this.#joinAgain = undefined;
        this.#join();
        this.#desire();
      });
    }
  }

  // A list of many claims comes in several frames, one after the other: what they take away is followed together.
  #changed(urgency: OwnedUrgency): void {
    if (urgency === 'now') this.#options.onOwned();
    else if (urgency === 'new') this.#options.onNew();
    else this.#news ??= this.#options.clock.after(0, () => this.#options.onOwned());
  }

  // The fence is closed first, so nothing is answered from here on; it opens again once the table has been made anew.
  #silenced(): void {
    this.#beats.rearm();
    this.#changed('soon');
  }

  #lapse(): void {
    // Without a segment there is nothing to give up.
    if (this.#joined.size === 0) this.#beats.rearm();
    for (const { loop } of [...this.#joined.values()]) loop.give({ type: 'lapsed' });
  }

  #paceMs(): number {
    const paces = [...this.#joined.values()].map(({ loop }) => currentPaceMs(loop.state));
    return Math.min(this.#options.timing.intervalMs * 2, ...paces);
  }

  #settleLeaving(): void {
    if ([...this.#joined.values()].some(({ loop }) => loop.state.phase !== 'gone')) return;
    const left = this.#onAllLeft;
    this.#onAllLeft = undefined;
    // The goodbye went out at once; it goes out twice more, against loss.
    if (left) this.#options.clock.after(GOODBYES * this.#options.timing.intervalMs, left);
  }
}
