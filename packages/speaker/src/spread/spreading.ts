// SPDX-License-Identifier: Apache-2.0
/**
 * Every node serves, and planned moves: keeps the tables in the kernel as the segments agree on them. Loads nothing,
 * and does nothing, before the first VIP asks for it or moves. Whatever is wrong costs spreading only: the VIP is
 * served by its owner, and a move breaks its connections.
 */
import { type IpAddress, nodeIdOf, SPREAD_TICK_MS, type SpreadSections } from '@berth/core';
import type { Timer } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { Offer } from '../membership/memberships-options.ts';
import { ConntrackReading } from './conntrack-reading.ts';
import { KernelTables } from './kernel-tables.ts';
import { MoveGate } from './move-gate.ts';
import type { SegmentSpread } from './segment-spread.ts';
import { SpreadSegments } from './spread-segments.ts';
import type { SpreadObstacle } from './spread-table-port.ts';
import { SpreadWishes } from './spread-wishes.ts';
import { SpreadingFacts } from './spreading-facts.ts';
import type { SpreadingOptions } from './spreading-options.ts';

/**
 * Before this process ends, others take over what this node serves; after so long it ends in any case, in milliseconds.
 */
const END_WITHIN_MS = 4_000;

export class Spreading {
  readonly name = 'spreading';
  /** For people, and for metrics. */
  readonly facts: SpreadingFacts;
  readonly #options: SpreadingOptions;
  readonly #tables: KernelTables;
  readonly #wishes: SpreadWishes;
  readonly #conntrack: ConntrackReading;
  readonly #segments: SpreadSegments;
  readonly #gate: MoveGate;
  /** The obstacle as people know it. */
  #told: SpreadObstacle | undefined;
  #timer: Timer | undefined;
  #wake: Timer | undefined;
  #phase: 'new' | 'running' | 'leaving' | 'stopped' = 'new';
  #isTableDue = false;

  constructor(options: SpreadingOptions) {
    this.#options = options;
    const { clock, log, openTable, clusterId, keeperSocket } = options;
    this.#tables = new KernelTables({
      ...{ clock, log, openTable, clusterId, keeperSocket },
      onLoaded: () => this.changed(),
    });
    this.#wishes = new SpreadWishes(options, () => this.changed());
    const [tables, wishes] = [this.#tables, this.#wishes];
    this.#conntrack = new ConntrackReading({ options, wishes, onRead: () => this.#pushDue() });
    this.#segments = new SpreadSegments({
      ...{ options, tables, wishes, conntrack: this.#conntrack },
      onTable: () => this.#push(),
      onAnswer: () => this.#pushDue(),
    });
    this.#gate = new MoveGate({
      ...{ options, wishes, segments: this.#segments },
      refusal: () => ({ obstacle: this.facts.obstacle, atMs: Math.max(this.#conntrack.failedMs, tables.refusedMs) }),
      onWish: () => this.#wakeSoon(),
    });
    const [conntrack, segments, gate] = [this.#conntrack, this.#segments, this.#gate];
    this.facts = new SpreadingFacts({ options, tables, wishes, conntrack, segments, gate });
  }

  get segments(): readonly SegmentSpread[] {
    return this.#segments.all;
  }

  /** The cluster must be known by now. */
  start(): void {
    this.#phase = 'running';
    this.clusterChanged();
  }

  /** News of the cluster, followed at once: other Services, annotations, ports or policies. */
  clusterChanged(): void {
    if (!this.#isActive) return;
    this.#followWishes();
    this.changed();
  }

  /** News of membership, followed at once. Costs nothing where no VIP asks for it. */
  changed(): void {
    if (!this.#isActive || (this.#wishes.everywhere.size === 0 && !this.#tables.isOpen)) return;
    this.#followSegments();
    for (const one of this.#segments) one.follow();
    this.#pushDue();
    this.#tellObstacle();
    this.#timer ??= this.#options.clock.after(SPREAD_TICK_MS, () => this.#tick());
  }

  /** Whether a VIP may be handed over now. The first question makes all nodes of the segment get ready for it. */
  mayOffer(move: Offer): boolean {
    if (!this.#isActive) return !move.isOnlyUnbroken;
    return this.#gate.mayOffer(move);
  }

  heard(bootId: string, sections: SpreadSections, { ifindex }: Segment): void {
    if (sections.sets) this.#noteMoving(sections.sets.entries.flatMap(({ vips }) => vips));
    const segment = this.#segments.get(ifindex);
    if (segment === undefined) return;
    segment.follow();
    segment.give({ type: 'heard', from: bootId, sections });
    this.#pushDue();
  }

  /** A speaker said goodbye on an interface. */
  left(bootId: string, ifname: string): void {
    const found = this.#options.segments().find(({ segment }) => segment.ifname === ifname);
    if (found) this.#segments.get(found.segment.ifindex)?.give({ type: 'left', bootId });
    this.#pushDue();
  }

  /**
   * Lets others take over what this node serves; resolves when nothing would be lost by its end, or after some seconds.
   */
  async leave(): Promise<void> {
    if (this.#phase !== 'running') return;
    while (this.#phase === 'running' && !this.#isReadyToLeave())
      await new Promise<void>((resolve) => this.#options.clock.after(SPREAD_TICK_MS, resolve));
    if (!this.#tables.isOpen) return;
    this.#phase = 'leaving';
    const { clock, handOver } = this.#options;
    for (const one of this.#segments) one.give({ type: 'leave' });
    handOver();
    const latestMs = clock.now() + END_WITHIN_MS;
    while (clock.now() < latestMs && !this.segments.every((one) => one.mayEnd))
      await new Promise<void>((resolve) => clock.after(SPREAD_TICK_MS, resolve));
  }

  stop(): void {
    this.#phase = 'stopped';
    this.#timer?.cancel();
    this.#wake?.cancel();
    this.#gate.stop();
    this.#wishes.stop();
    this.#tables.end();
    this.#close();
  }

  // Before others are asked to go first, so that all is handed over at once.
  #isReadyToLeave(): boolean {
    const moves = this.#options.segments().flatMap(({ segment: { ifindex }, loop: { state } }) => {
      const others = state.members.filter(({ phase }) => phase === 'active').map(({ bootId }) => bootId);
      return [...state.claims.values()].flatMap(({ vip }) =>
        others.map((to) => ({ ifindex, vip, to, isOnlyUnbroken: false })),
      );
    });
    return moves.map((move) => this.mayOffer(move)).every((isLet) => isLet);
  }

  #noteMoving(vips: readonly IpAddress[]): void {
    if (this.#isActive && this.#gate.noteMoving(vips)) this.clusterChanged();
  }

  // Never at once: membership asks in the middle of a step.
  #wakeSoon(): void {
    this.#wake ??= this.#options.clock.after(0, () => {
      this.#wake = undefined;
      this.clusterChanged();
    });
  }

  get #isActive(): boolean {
    return this.#phase === 'running' || this.#phase === 'leaving';
  }

  #tick(): void {
    this.#timer = undefined;
    if (!this.#isActive) return;
    if (this.#wishes.hasSettled(this.segments)) this.#followWishes();
    this.#tables.tryRoom(this.#wishes.everywhere.size);
    if (!this.#tables.keepUp()) this.#close();
    // An answer that waits comes before time alone declares a node dead.
    this.#segments.drainAnswers();
    for (const one of this.#segments) one.give({ type: 'tick' });
    this.#gate.tryPassage();
    this.changed();
  }

  #followWishes(): void {
    const before = this.#wishes.all.size;
    this.#wishes.follow(this.#tables.isOpen);
    this.#isTableDue = this.#tables.isOpen;
    if (before + this.#wishes.all.size > 0) this.#options.onNews();
  }

  #followSegments(): void {
    const present = this.#options.segments();
    const [first] = present;
    if (this.#wishes.everywhere.size === 0 && this.#phase === 'running') {
      this.#close();
      return;
    }
    if (first === undefined || !this.#tables.open(nodeIdOf(first.loop.state.self.node))) return;
    for (const { ifindex, membership } of this.#segments)
      if (!present.some(({ segment, loop }) => segment.ifindex === ifindex && loop === membership)) this.#drop(ifindex);
    for (const { segment, loop } of present) {
      if (this.#segments.get(segment.ifindex)) continue;
      if (!this.#tables.attach(segment)) {
        this.#close();
        return;
      }
      this.#segments.open(segment, loop);
    }
  }

  #close(): void {
    if (this.#tables.isOpen || this.segments.length > 0) this.#options.onNews();
    for (const { ifindex } of this.segments) this.#forget(ifindex);
    this.#tables.close();
    if (this.#wishes.everywhere.size === 0) this.#timer?.cancel();
    if (this.#wishes.everywhere.size === 0) this.#timer = undefined;
  }

  #drop(ifindex: number): void {
    this.#forget(ifindex);
    this.#tables.detach(ifindex);
    this.#isTableDue = true;
  }

  #forget(ifindex: number): void {
    this.#segments.close(ifindex);
    this.#gate.close(ifindex);
  }

  #pushDue(): void {
    if (this.#isTableDue) this.#push();
  }

  #push(): void {
    this.#isTableDue = false;
    this.#tables.write(this.segments, this.#wishes.everywhere);
  }

  #tellObstacle(): void {
    const { obstacle } = this.facts;
    if (obstacle === this.#told) return;
    this.#told = obstacle;
    this.#options.onNews();
  }
}
