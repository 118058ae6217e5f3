// SPDX-License-Identifier: Apache-2.0
/**
 * Every node serves, and planned moves: keeps the tables in the kernel as the segments agree on them. Loads nothing,
 * and does nothing, before the first VIP asks for it or moves. Whatever is wrong costs spreading only: the VIP is
 * served by its owner, and a move breaks its connections.
 */
import {
  type BrokenMoves,
  type IpAddress,
  keptVips,
  type MovesState,
  nodeIdOf,
  type ServingState,
  SPREAD_TICK_MS,
  type SpreadAction,
  type SpreadHealth,
  type SpreadSections,
} from '@berth/core';
import { type ConntrackFlows, type ConntrackQuery, isNearlyFull } from '@berth/link';
import { type Clock, errorFields, type Log, type Timer } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { ServedVip } from '../layer2/wire.ts';
import type { Offer } from '../membership/memberships-options.ts';
import { queryOf } from './conntrack-query.ts';
import { KernelTables } from './kernel-tables.ts';
import { MoveDoubts } from './move-doubts.ts';
import type { NodeQuestions } from './node-questions.ts';
import { type OpenTrialFrames, PassageTrials } from './passage-trials.ts';
import { PlannedMoves, REFUSED_FOR_MS } from './planned-moves.ts';
import { type SegmentMembership, SegmentSpread } from './segment-spread.ts';
import type { ServedEverywhere } from './served-services.ts';
import { servingStates } from './serving-state.ts';
import { packetsBy, type SpreadSources } from './spread-metrics.ts';
import type { Keeping, SpreadObstacle, SpreadTablePort } from './spread-table-port.ts';
import { SpreadWishes, type SpreadWishesOptions } from './spread-wishes.ts';

/**
 * Before this process ends, others take over what this node serves; after so long it ends in any case, in milliseconds.
 */
const END_WITHIN_MS = 4_000;

export interface SpreadingOptions extends SpreadWishesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: there is no keeper. */
  readonly keeperSocket?: string | undefined;
  openTable(): Promise<SpreadTablePort>;
  readConntrack(query: ConntrackQuery): Promise<ConntrackFlows>;
  /** 16 hex digits that name the cluster. */
  clusterId(): string;
  /** The segments that this node takes part in. */
  segments(): readonly { readonly segment: Segment; readonly loop: SegmentMembership }[];
  /** Opens what asks nodes on a segment; `onAnswer` is given the id of one that answers. */
  openNodeQuestions(segment: Segment, onAnswer: (id: number) => void): NodeQuestions;
  readonly openTrialFrames: OpenTrialFrames;
  /** Whether this node could serve clients, by what it knows of itself. */
  isFit(): boolean;
  /** Others go first from now on: VIPs are handed over. */
  handOver(): void;
  /** Why nothing is done to keep connections when a VIP is handed over on purpose; undefined: it is tried. */
  plainMoves(): BrokenMoves | undefined;
  /** Who serves what, or why the owner alone does, has changed. */
  onNews(): void;
}

export class Spreading implements SpreadSources {
  readonly name = 'spreading';
  readonly #options: SpreadingOptions;
  readonly #tables: KernelTables;
  readonly #wishes: SpreadWishes;
  readonly #moves: PlannedMoves;
  readonly #trials: PassageTrials;
  readonly #doubts: MoveDoubts;
  readonly #segments = new Map<number, SegmentSpread>();
  readonly #questions = new Map<number, NodeQuestions>();
  /** Connection tracking could not be read. */
  #unread: SpreadObstacle | undefined;
  #unreadMs = Number.NEGATIVE_INFINITY;
  #isNearlyFull = false;
  #fill = 0;
  /** The obstacle as people know it. */
  #told: SpreadObstacle | undefined;
  #timer: Timer | undefined;
  #wake: Timer | undefined;
  #refusalOver: Timer | undefined;
  #phase: 'new' | 'running' | 'leaving' | 'stopped' = 'new';
  #isTableDue = false;
  /** Highest version of a list that a segment said which is followed no longer. */
  #lastVersion = 0;
  readonly #commits = { 'all-told': 0, 'time-out': 0 };

  constructor(options: SpreadingOptions) {
    this.#options = options;
    const { clock, log, openTable, clusterId, keeperSocket } = options;
    this.#tables = new KernelTables({
      ...{ clock, log, openTable, clusterId, keeperSocket },
      onLoaded: () => this.changed(),
    });
    this.#wishes = new SpreadWishes(options, () => this.changed());
    this.#moves = new PlannedMoves({ clock, log, onRefused: () => this.#noteRefused() });
    this.#trials = new PassageTrials(clock, options.openTrialFrames);
    this.#doubts = new MoveDoubts(clock, () => options.plainMoves());
  }

  /** Undefined while this node can take part. */
  get obstacle(): SpreadObstacle | undefined {
    return this.#tables.obstacle ?? this.#unread;
  }

  get segments(): readonly SegmentSpread[] {
    return [...this.#segments.values()];
  }

  commits(): readonly { readonly how: string; readonly times: number }[] {
    return Object.entries(this.#commits).map(([how, times]) => ({ how, times }));
  }

  /** Strays that the table in the kernel had no room for. */
  get excess(): number {
    return this.#tables.excess;
  }

  /** Flows of this node whose hash names another one. */
  get ownStrays(): number {
    return this.segments.reduce((sum, { state }) => sum + state.strays.length, 0);
  }

  /** VIPs that moved away from this node, or are served elsewhere, while it keeps connections of them. */
  get keeping(): number {
    const nowMs = this.#options.clock.now();
    return this.segments.reduce((sum, { state }) => sum + keptVips(state, nowMs).length, 0);
  }

  /** Hand-overs on purpose, by whether connections were kept. */
  get plannedMoves(): PlannedMoves['counts'] {
    return this.#moves.counts;
  }

  /** What becomes of connections when this node hands a VIP over on purpose, or takes one over. */
  get moves(): MovesState {
    return this.#doubts.stateWith(this.obstacle);
  }

  /** Whether a VIP may move for its own good: no connection breaks, as far as this node knows. */
  get keepsConnections(): boolean {
    return this.moves === 'kept' && !this.#moves.hasRefused;
  }

  /** Who serves what this node answers for. */
  serving(served: readonly ServedVip[]): readonly ServingState[] {
    const { clock, segments } = this.#options;
    return servingStates(served, {
      ...{ wishes: this.#wishes.all, obstacle: this.obstacle, crowded: this.#tables.crowded },
      segmentOf: (ifname) => {
        const found = segments().find(({ segment }) => segment.ifname === ifname);
        return found && this.#segments.get(found.segment.ifindex);
      },
      secondsAt: (ms) => Math.floor((clock.date().getTime() - (clock.now() - ms)) / 1000),
    });
  }

  get health(): SpreadHealth | undefined {
    const counters = this.#tables.counters();
    // Each segment knows the flows of all VIPs.
    const flows = Math.max(0, ...this.segments.map(({ state }) => state.flows.fingerprints.length));
    return counters && { forwarded: counters.forwarded, strays: this.ownStrays, flows };
  }

  /** Part of connection tracking that was in use when it was last read, 0 to 1. */
  get conntrackFill(): number {
    return this.#fill;
  }

  /** Whether the program would go on for a moment if this process died. */
  get keeper(): Keeping {
    return this.#tables.keeper;
  }

  packets(): ReturnType<typeof packetsBy> {
    return packetsBy(this.#tables.counters());
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
    for (const one of this.#segments.values()) one.follow();
    this.#pushDue();
    this.#tellObstacle();
    this.#timer ??= this.#options.clock.after(SPREAD_TICK_MS, () => this.#tick());
  }

  /** Whether a VIP may be handed over now. The first question makes all nodes of the segment get ready for it. */
  mayOffer(move: Offer): boolean {
    if (!this.#isActive) return !move.isOnlyUnbroken;
    if (this.#doubts.isBeingForgotten) return false;
    if (this.#arePlain) return !move.isOnlyUnbroken;
    const vip = String(move.vip);
    if (!this.#wishes.hasRoomFor(vip)) return this.#moves.letGo(move);
    if (!this.#moves.isAbsent(move.to) && this.#wishes.keep(vip)) this.#wakeSoon();
    const state = this.#segments.get(move.ifindex)?.state;
    // Where every node serves all rely on it in any case.
    const isEverywhere = this.#wishes.all.get(vip)?.everywhere === true;
    const passage = isEverywhere ? 'passes' : this.#trials.passageFrom(move.to, move.ifindex, state);
    const verdict = this.#moves.mayOffer(move, state, passage);
    if (verdict === 'filtered') this.#withdraw(move);
    return verdict === true;
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
    for (const one of this.#segments.values()) one.give({ type: 'leave' });
    handOver();
    const latestMs = clock.now() + END_WITHIN_MS;
    while (clock.now() < latestMs && !this.segments.every((one) => one.mayEnd))
      await new Promise<void>((resolve) => clock.after(SPREAD_TICK_MS, resolve));
  }

  stop(): void {
    this.#phase = 'stopped';
    this.#timer?.cancel();
    this.#wake?.cancel();
    this.#refusalOver?.cancel();
    this.#wishes.stop();
    this.#tables.end();
    this.#close();
  }

  /** Whether nothing is done to keep connections now. */
  get #arePlain(): boolean {
    return this.#doubts.isPlain({
      obstacle: this.obstacle,
      atMs: Math.max(this.#unreadMs, this.#tables.refusedMs),
    });
  }

  /**
   * What is passed on does not arrive, so it is not relied upon. Others have forgotten that this node takes part before
   * anything moves: the next owner begins alone, as without this.
   */
  #withdraw({ ifindex }: Offer): void {
    const { log, onNews } = this.#options;
    this.#doubts.noteFiltered();
    this.#wishes.forgetMoves();
    this.#wakeSoon();
    onNews();
    log.warn('planned moves break connections: frames with the address of a client do not get from node to node', {
      ifindex,
      help: 'allow them in the filter of the hypervisor or switch, or set --planned-moves=plain',
    });
  }

  // And again once it may be tried anew.
  #noteRefused(): void {
    const { clock, onNews } = this.#options;
    onNews();
    this.#refusalOver?.cancel();
    this.#refusalOver = clock.after(REFUSED_FOR_MS, onNews);
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

  /** What owners name is followed by all, so that whoever owns it next knows where its flows live. */
  #noteMoving(vips: readonly IpAddress[]): void {
    if (!this.#isActive || this.#arePlain) return;
    if (vips.filter((vip) => this.#wishes.keep(String(vip))).length === 0) return;
    this.#followWishes();
    this.changed();
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
    for (const one of this.#questions.values()) one.drain();
    for (const one of this.#segments.values()) one.give({ type: 'tick' });
    this.#tryPassage();
    this.changed();
  }

  #tryPassage(): void {
    if (!this.#wishes.hasMoves) {
      this.#trials.rest();
      return;
    }
    for (const { segment } of this.#options.segments()) {
      const one = this.#segments.get(segment.ifindex);
      if (one) this.#trials.follow(segment, one.state);
    }
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
    for (const [ifindex, { membership }] of this.#segments)
      if (!present.some(({ segment, loop }) => segment.ifindex === ifindex && loop === membership)) this.#drop(ifindex);
    for (const { segment, loop } of present) {
      if (this.#segments.has(segment.ifindex)) continue;
      if (!this.#tables.attach(segment)) {
        this.#close();
        return;
      }
      this.#segments.set(segment.ifindex, this.#newSegment(segment, loop));
    }
  }

  #newSegment(segment: Segment, loop: SegmentMembership): SegmentSpread {
    const questions = this.#options.openNodeQuestions(segment, (id) => {
      one.give({ type: 'node-answers', id });
      this.#pushDue();
    });
    this.#questions.set(segment.ifindex, questions);
    const one: SegmentSpread = new SegmentSpread({
      ...{ ifindex: segment.ifindex, membership: loop, clock: this.#options.clock },
      firstVersion: this.#lastVersion + 1,
      everywhere: () => this.#wishes.everywhere,
      weightOf: (about) => this.#weightOf(about),
      stamp: () => [
        ...[this.#wishes.everywhere, this.#wishes.endpointNews],
        ...[this.#options.isFit(), this.#unread, this.#tables.crowded],
      ],
      isOwnerAlone: (text) => this.#unread !== undefined || this.#isShut(text),
      onTable: () => this.#push(),
      onRead: () => void this.#read(one),
      askNode: (question) => questions.ask(question),
      onCommitted: (committed) => this.#noteCommit(committed, segment),
      onNews: () => this.#options.onNews(),
    });
    return one;
  }

  #close(): void {
    if (this.#tables.isOpen || this.#segments.size > 0) this.#options.onNews();
    for (const ifindex of [...this.#segments.keys()]) this.#forget(ifindex);
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
    this.#lastVersion = Math.max(this.#lastVersion, this.#segments.get(ifindex)?.lastVersion ?? 0);
    this.#segments.delete(ifindex);
    this.#questions.get(ifindex)?.close();
    this.#questions.delete(ifindex);
    this.#trials.close(ifindex);
  }

  #weightOf(about: ServedEverywhere): number {
    if (!this.#options.isFit() || this.#unread !== undefined || this.#isShut(String(about.vip))) return 0;
    return this.#wishes.weightOf(about);
  }

  /** New flows of the VIP are the owner's. */
  #isShut(vip: string): boolean {
    return this.#tables.crowded.has(vip) || this.#wishes.isWindingDown(vip);
  }

  #pushDue(): void {
    if (this.#isTableDue) this.#push();
  }

  #push(): void {
    this.#isTableDue = false;
    this.#tables.write(this.segments, this.#wishes.everywhere);
  }

  #tellObstacle(): void {
    const { obstacle } = this;
    if (obstacle === this.#told) return;
    this.#told = obstacle;
    this.#options.onNews();
  }

  async #read(segment: SegmentSpread): Promise<void> {
    const { log, readConntrack, clusterId } = this.#options;
    const { byOwners, everywhere } = this.#wishes;
    // What it served before it ended it has to know from the start, also what no owner has named yet.
    const vips = segment.state.phase === 'starting' ? new Map([...byOwners, ...everywhere]) : everywhere;
    const { query, flowsOf } = queryOf(vips, BigInt(`0x${clusterId()}`));
    try {
      const read = await readConntrack(query);
      this.#unread = undefined;
      this.#noteFill(read);
      segment.give({ type: 'flows', flows: flowsOf(read) });
    } catch (error) {
      if (this.#unread === undefined)
        log.warn('every node serves: connection tracking cannot be read', errorFields(error));
      this.#unread ??= { what: 'conntrack', error };
      this.#unreadMs = this.#options.clock.now();
      segment.give({ type: 'no-flows' });
    }
    this.#pushDue();
  }

  // The kernel drops what it has no entry for, on this node as without Berth; here it costs connections of the others'
  // clients as well.
  #noteFill({ total, max }: ConntrackFlows): void {
    const isFull = isNearlyFull({ total, max });
    if (isFull && !this.#isNearlyFull)
      this.#options.log.warn('every node serves: connection tracking is nearly full', { entries: total, room: max });
    this.#isNearlyFull = isFull;
    this.#fill = max > 0 ? total / max : 0;
  }

  #noteCommit({ vip, tookMs, how }: Extract<SpreadAction, { type: 'committed' }>, { ifname }: Segment): void {
    this.#commits[how]++;
    this.#options.log.info('every node serves: a change is committed', {
      ...{ vip: String(vip), interface: ifname, tookMs: Math.round(tookMs), how },
    });
    this.#options.onNews();
  }
}
