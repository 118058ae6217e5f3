// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps the history while this replica leads: what the nodes' reports, the configuration and people bring about is
 * gathered for some seconds and written at once. The reports themselves tell what happened while no one led, so a
 * change of leader loses no move.
 */
import {
  EMPTY_HISTORY,
  endOf,
  type HistoryRecords,
  leftBy,
  type MarkRecord,
  markOf,
  takenBy,
  withRecords,
} from '@berth/core';
import { Backoff, Signal, type Timer } from '@berth/runtime';
import type { NodeStateChange } from '../cluster/node-states.ts';
import { ClusterChanges } from './cluster-changes.ts';
import type { HistoryKeeperOptions, HistoryObstacle } from './history-options.ts';
import { HistoryStore } from './history-store.ts';
import { PendingRecords } from './pending-records.ts';

/** Changes are gathered for so long, in milliseconds. */
const COLLECT_MS = 5_000;
/**
 * After a write the next one waits a millisecond for so many characters: four thousand a second at most, so a cluster
 * that never rests costs little.
 */
const CHARACTERS_A_MS = 4;
/** A VIP that was left has so long to find its next owner, in milliseconds: nodes write once a second at most. */
const GRACE_MS = 3_000;
/** A ConfigMap of that name which is not ours is looked at again after this time, in milliseconds. */
const FOREIGN_MS = 300_000;
const LAST_CALL_MS = 1_500;
const CALL_MS = 10_000;
const MAX_ATTEMPTS = 3;

export class HistoryKeeper {
  readonly written = new Signal<[characters: number]>();
  /** Why nothing can be written; once for each kind. */
  readonly obstacles = new Signal<[HistoryObstacle]>();
  /** What was there could not be read. */
  readonly damages = new Signal<[problem: string]>();
  /** Nothing was written, for whatever reason: a history that cannot be kept must not end what gives addresses. */
  readonly failures = new Signal<[error: unknown, retryInMs: number]>();
  readonly #options: HistoryKeeperOptions;
  readonly #store: HistoryStore;
  readonly #changes: ClusterChanges;
  readonly #pending = new PendingRecords();
  readonly #backoff = new Backoff({ baseMs: 1_000, capMs: 60_000 });
  /** What the ConfigMap holds; undefined: it is to be read. */
  #known: HistoryRecords | undefined;
  /** Whether it is known by now what was on record before this term. */
  #isBegun = false;
  #obstacle: HistoryObstacle['kind'] | undefined;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #restsUntilMs = 0;
  #ends: readonly (() => void)[] = [];
  #isStopped = false;

  constructor(options: HistoryKeeperOptions) {
    this.#options = options;
    this.#store = new HistoryStore(options);
    this.#changes = new ClusterChanges(options.view);
  }

  /** Begins; the view knows the cluster by now. */
  start(): void {
    const { view, clock } = this.#options;
    this.#ends = [
      view.nodeStates.subscribe((change) => this.#nodeChanged(change)),
      view.configMaps.subscribe(({ type, object }) => {
        if (type !== 'deleted') this.#pending.noteOrders(object, this.#nowMs());
      }),
    ];
    for (const map of view.configMaps.values()) this.#pending.noteOrders(map, this.#nowMs());
    this.#restsUntilMs = clock.now();
    this.#plan(0);
  }

  /** Writes what is left, if that is soon done. */
  async stop(): Promise<void> {
    for (const end of this.#ends) end();
    this.#isStopped = true;
    this.#timer?.cancel();
    const { clock } = this.#options;
    let timer: Timer | undefined;
    // Whatever becomes of a call: no one waits for a history.
    const patience = new Promise<void>((resolve) => {
      timer = clock.after(LAST_CALL_MS, resolve);
    });
    await Promise.race([this.#writeLast(), patience]);
    timer?.cancel();
  }

  async #writeLast(): Promise<void> {
    try {
      await this.#writing;
      if (this.#isBegun && !this.#pending.isEmpty) await this.#flush(LAST_CALL_MS);
    } catch {
      // Best effort during shutdown: the next leader reads the moves from the reports.
    }
  }

  /** The API server did not answer; it is asked when that is over. */
  outageBegan(): void {
    this.#plan(COLLECT_MS);
  }

  /** Something happened that no report of a node tells. */
  note(...marks: readonly MarkRecord[]): void {
    this.#pending.addMarks(marks);
    this.#plan(COLLECT_MS);
  }

  #nowMs(): number {
    return this.#options.clock.date().getTime();
  }

  // Before the history is read it is not known what is on record; the reports still have it then.
  #nodeChanged(change: NodeStateChange): void {
    if (!this.#isBegun) return;
    const { node, before, after } = change;
    const nowMs = this.#nowMs();
    this.#pending.addMarks(this.#changes.marksOf(change, nowMs));
    for (const { vip, interface: ifname } of leftBy(before, after))
      this.#pending.addLeft({ vip: String(vip), interface: ifname, from: node, atMs: nowMs });
    // A report that is stale, or only fresh again, tells nothing new.
    this.#pending.addMoves(takenBy(node, before?.state, after?.state));
    if (!this.#pending.isEmpty) this.#plan(COLLECT_MS);
  }

  #plan(delayMs: number): void {
    if (this.#isStopped || this.#timer !== undefined) return;
    const { clock } = this.#options;
    const restMs = Math.ceil(Math.max(0, this.#restsUntilMs - clock.now()));
    this.#timer = clock.after(Math.max(delayMs, restMs), () => {
      this.#writing = this.#turn().finally(() => {
        this.#timer = undefined;
        // Nothing else brings the first reading about.
        if (!this.#isBegun || !this.#pending.isEmpty || this.#options.outages.isOpen) this.#plan(COLLECT_MS);
      });
    });
  }

  async #turn(): Promise<void> {
    const { clock } = this.#options;
    try {
      await this.#flush(CALL_MS);
      this.#backoff.reset();
    } catch (error) {
      const retryInMs = this.#backoff.next();
      this.#restsUntilMs = clock.now() + retryInMs;
      this.failures.emit(error, retryInMs);
    }
  }

  async #flush(timeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    // Whether an outage is over, only an answer tells.
    if (!this.#isBegun || this.#options.outages.isOpen) await this.#read(signal);
    if (!this.#isBegun) this.#begin();
    this.#addOutages();
    const left = this.#pending.takeLeftBefore(this.#nowMs() - GRACE_MS);
    this.#pending.addMoves(this.#changes.silentOf(left, (service) => this.#options.whySilent(service)));
    const records = this.#pending.take();
    if (records.moves.length + records.marks.length === 0) return;
    try {
      if (!(await this.#write(records, signal))) this.#pending.giveBack(records);
    } catch (error) {
      this.#pending.giveBack(records);
      throw error;
    }
  }

  async #write(records: Pick<HistoryRecords, 'moves' | 'marks'>, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const more = { ...records, moves: this.#changes.withServices(records.moves), horizons: this.#changes.horizons() };
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      if (this.#known === undefined || this.#obstacle !== undefined) await this.#read(signal);
      if (this.#known === undefined || this.#obstacle !== undefined) break;
      const next = withRecords(this.#known, more);
      const characters = await this.#store.write(next, signal);
      if (characters === undefined) {
        // Somebody else wrote: another leader, or a person.
        this.#known = undefined;
        continue;
      }
      this.#known = next;
      this.#restsUntilMs = clock.now() + characters / CHARACTERS_A_MS;
      this.written.emit(characters);
      return true;
    }
    this.#restsUntilMs = clock.now() + (this.#obstacle === undefined ? COLLECT_MS : FOREIGN_MS);
    return false;
  }

  /**
   * What happened while no one watched is recorded now. Where the ConfigMap is not ours, it is kept in memory, as far
   * as there is room.
   */
  #begin(): void {
    this.#isBegun = true;
    const known = this.#known ?? EMPTY_HISTORY;
    const nowMs = this.#nowMs();
    const leads = markOf({ kind: 'leader', state: 'happened', node: this.#options.identity, atMs: nowMs });
    this.#pending.addMarks([leads, ...this.#changes.marksSince(known.marks, nowMs)]);
    this.#pending.addMoves(this.#changes.movesSince(known));
  }

  async #read(signal: AbortSignal): Promise<void> {
    const found = await this.#store.load(signal);
    const isBlocked = found.kind === 'foreign' || found.kind === 'newer';
    if (isBlocked && this.#obstacle !== found.kind) this.obstacles.emit(found);
    this.#obstacle = isBlocked ? found.kind : undefined;
    if (isBlocked) return;
    if (found.kind === 'damaged') {
      this.damages.emit(found.problem);
      this.#pending.addMarks([
        markOf({ kind: 'history', state: 'happened', atMs: this.#nowMs(), what: 'what was there could not be read' }),
      ]);
    }
    this.#known = found.kind === 'kept' ? found.records : EMPTY_HISTORY;
  }

  #addOutages(): void {
    const { outages, identity } = this.#options;
    const marks = outages.take(this.#nowMs()).flatMap(({ sinceMs, untilMs }) => {
      const mark = markOf({ kind: 'outage', node: identity, atMs: sinceMs, what: 'its requests failed' });
      return [mark, endOf(mark, untilMs)];
    });
    this.#pending.addMarks(marks);
  }
}
