// SPDX-License-Identifier: Apache-2.0
/**
 * The segments on which this node takes part. Tells each what this node can serve there, and counts what they commit.
 */
import { keptVips, type SpreadAction } from '@berth/core';
import type { Segment } from '../layer2/segments.ts';
import type { ConntrackReading } from './conntrack-reading.ts';
import type { KernelTables } from './kernel-tables.ts';
import type { NodeQuestions } from './node-questions.ts';
import { type SegmentMembership, SegmentSpread } from './segment-spread.ts';
import type { ServedEverywhere } from './served-services.ts';
import type { SpreadWishes } from './spread-wishes.ts';
import type { SpreadingOptions } from './spreading-options.ts';

export interface SpreadSegmentsParts {
  readonly options: Pick<SpreadingOptions, 'clock' | 'log' | 'openNodeQuestions' | 'isFit' | 'onNews'>;
  readonly tables: Pick<KernelTables, 'crowded'>;
  readonly wishes: Pick<SpreadWishes, 'everywhere' | 'endpointNews' | 'weightOf' | 'isWindingDown'>;
  readonly conntrack: Pick<ConntrackReading, 'obstacle' | 'read'>;
  /** What is in force has changed; followed before this returns. */
  onTable(): void;
  /** A segment has taken in that a node answers. */
  onAnswer(): void;
}

export class SpreadSegments {
  readonly #parts: SpreadSegmentsParts;
  readonly #segments = new Map<number, SegmentSpread>();
  readonly #questions = new Map<number, NodeQuestions>();
  /** Highest version of a list that a segment said which is followed no longer. */
  #lastVersion = 0;
  readonly #commits = { 'all-told': 0, 'time-out': 0 };

  constructor(parts: SpreadSegmentsParts) {
    this.#parts = parts;
  }

  [Symbol.iterator](): Iterator<SegmentSpread> {
    return this.#segments.values();
  }

  get all(): readonly SegmentSpread[] {
    return [...this.#segments.values()];
  }

  get(ifindex: number): SegmentSpread | undefined {
    return this.#segments.get(ifindex);
  }

  get commits(): readonly { readonly how: string; readonly times: number }[] {
    return Object.entries(this.#commits).map(([how, times]) => ({ how, times }));
  }

  /** Flows of this node, of all VIPs: each segment knows those of all. */
  get flowCount(): number {
    return Math.max(0, ...this.all.map(({ state }) => state.flows.fingerprints.length));
  }

  /** Flows of this node whose hash names another one. */
  get strayCount(): number {
    return this.all.reduce((sum, { state }) => sum + state.strays.length, 0);
  }

  /** VIPs that moved away from this node, or are served elsewhere, while it keeps connections of them. */
  get keptCount(): number {
    const nowMs = this.#parts.options.clock.now();
    return this.all.reduce((sum, { state }) => sum + keptVips(state, nowMs).length, 0);
  }

  /** This node takes part there from now on. */
  open(segment: Segment, membership: SegmentMembership): void {
    this.#segments.set(segment.ifindex, this.#newSegment(segment, membership));
  }

  /** What it says there later bears higher versions than what it said until now. */
  close(ifindex: number): void {
    this.#lastVersion = Math.max(this.#lastVersion, this.#segments.get(ifindex)?.lastVersion ?? 0);
    this.#segments.delete(ifindex);
    this.#questions.get(ifindex)?.close();
    this.#questions.delete(ifindex);
  }

  /** Takes in the answers of nodes that have arrived by now. */
  drainAnswers(): void {
    for (const one of this.#questions.values()) one.drain();
  }

  #newSegment(segment: Segment, membership: SegmentMembership): SegmentSpread {
    const { options, tables, wishes, conntrack, onTable, onAnswer } = this.#parts;
    const questions = options.openNodeQuestions(segment, (id) => {
      one.give({ type: 'node-answers', id });
      onAnswer();
    });
    this.#questions.set(segment.ifindex, questions);
    const one: SegmentSpread = new SegmentSpread({
      ...{ ifindex: segment.ifindex, membership, clock: options.clock },
      firstVersion: this.#lastVersion + 1,
      everywhere: () => wishes.everywhere,
      weightOf: (about) => this.#weightOf(about),
      stamp: () => [
        ...[wishes.everywhere, wishes.endpointNews],
        ...[options.isFit(), conntrack.obstacle, tables.crowded],
      ],
      isOwnerAlone: (text) => conntrack.obstacle !== undefined || this.#isShut(text),
      onTable,
      onRead: () => void conntrack.read(one),
      askNode: (question) => questions.ask(question),
      onCommitted: (committed) => this.#noteCommit(committed, segment),
      onNews: () => options.onNews(),
    });
    return one;
  }

  #weightOf(about: ServedEverywhere): number {
    const { options, conntrack, wishes } = this.#parts;
    if (!options.isFit() || conntrack.obstacle !== undefined || this.#isShut(String(about.vip))) return 0;
    return wishes.weightOf(about);
  }

  /** New flows of the VIP are the owner's. */
  #isShut(vip: string): boolean {
    return this.#parts.tables.crowded.has(vip) || this.#parts.wishes.isWindingDown(vip);
  }

  #noteCommit({ vip, tookMs, how }: Extract<SpreadAction, { type: 'committed' }>, { ifname }: Segment): void {
    const { log, onNews } = this.#parts.options;
    this.#commits[how]++;
    log.info('every node serves: a change is committed', {
      ...{ vip: String(vip), interface: ifname, tookMs: Math.round(tookMs), how },
    });
    onNews();
  }
}
