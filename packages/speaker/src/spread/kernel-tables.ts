// SPDX-License-Identifier: Apache-2.0
/**
 * The program that passes packets on and its tables, kept right: loaded when it is needed, attached again where
 * somebody took it off, and with fewer VIPs where there is no room for all. Whatever is wrong with it costs spreading
 * only.
 */
import type { SpreadCounters } from '@berth/link';
import { type Clock, errorFields, type Log } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import { Crowding } from './crowding.ts';
import { NodeNumbers, OWN_NUMBER } from './node-numbers.ts';
import type { ServedEverywhere } from './served-services.ts';
import { SpreadContentsBuilder, type SpreadSegment } from './spread-contents.ts';
import type { Keeping, SpreadObstacle, SpreadTablePort } from './spread-table-port.ts';

/** The tables in the kernel count for so long after they were renewed, in milliseconds: so long a process may hang. */
const FRESH_FOR_MS = 2_000;
/** What could not be opened is tried again after this time, in milliseconds. */
const OPEN_AGAIN_MS = 60_000;
/** Attachments are looked at so often, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** So often within so many milliseconds the program goes first again: two that both insist must not fight for ever. */
const [FIRST_AGAIN, FIRST_AGAIN_WITHIN_MS] = [3, 600_000];

export interface KernelTablesOptions {
  readonly clock: Clock;
  readonly log: Log;
  openTable(): Promise<SpreadTablePort>;
  /** The program is loaded, or was refused. */
  onLoaded(): void;
  /** 16 hex digits that name the cluster. */
  clusterId(): string;
  /** Socket of the keeper, which holds the program for two seconds after this process is gone. Undefined: no keeper. */
  readonly keeperSocket: string | undefined;
}

export class KernelTables {
  readonly #options: KernelTablesOptions;
  #table: SpreadTablePort | undefined;
  /** The attempt to load the program that is under way. */
  #loading: object | undefined;
  #builder: SpreadContentsBuilder | undefined;
  #obstacle: SpreadObstacle | undefined;
  #openAgainMs = Number.NEGATIVE_INFINITY;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #lookAtMs = 0;
  #excess = 0;
  #keeper: Keeping = 'none';
  readonly #crowding = new Crowding();
  /** When the program went first again, lately, by interface. */
  readonly #firstAgain = new Map<number, readonly number[]>();

  constructor(options: KernelTablesOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#table !== undefined;
  }

  /** Undefined while all is well. */
  get obstacle(): SpreadObstacle | undefined {
    return this.#obstacle;
  }

  /** When the kernel last refused something. */
  get refusedMs(): number {
    return this.#refusedMs;
  }

  /** VIPs that there is no room for; their frames stay where they arrive. */
  get crowded(): ReadonlySet<string> {
    return this.#crowding.vips;
  }

  /** Strays that the table had no room for. */
  get excess(): number {
    return this.#excess;
  }

  get keeper(): Keeping {
    return this.#keeper;
  }

  counters(): SpreadCounters | undefined {
    return this.#table?.counters();
  }

  /** Begins to load the program, if that was not refused lately. Returns whether it is loaded. */
  open(selfId: number): boolean {
    if (this.#table) return true;
    if (this.#loading === undefined && this.#options.clock.now() >= this.#openAgainMs) void this.#load(selfId);
    return false;
  }

  // The verifier takes tens of milliseconds, and on a busy machine several times that: heartbeats go on meanwhile.
  async #load(selfId: number): Promise<void> {
    const { log, openTable, onLoaded } = this.#options;
    const loading = {};
    this.#loading = loading;
    try {
      const table = await openTable();
      if (this.#loading !== loading) {
        table.close();
        return;
      }
      this.#loading = undefined;
      this.#table = table;
      this.#builder = new SpreadContentsBuilder(new NodeNumbers(selfId));
      this.#obstacle = undefined;
      log.info('every node serves: the program is loaded');
      if (this.#options.keeperSocket !== undefined) table.keepBy(this.#options.keeperSocket);
    } catch (error) {
      if (this.#loading !== loading) return;
      this.#refuse(
        'the program that passes packets on cannot be loaded: owners serve alone, and planned moves break connections',
        error,
      );
    }
    onLoaded();
  }

  /** Takes the program off, and the keeper holds nothing either. */
  close(): void {
    for (const ifindex of [...(this.#table?.attached ?? [])]) this.#table?.detach(ifindex);
    this.end();
  }

  /** This process ends: where there is a keeper, packets are passed on for two seconds more. */
  end(): void {
    this.#loading = undefined;
    this.#table?.close();
    this.#table = undefined;
    this.#keeper = 'none';
    this.#firstAgain.clear();
  }

  /** Returns whether it is attached; where it is not, nothing is attached anywhere any more. */
  attach({ ifindex, ifname, mac }: Segment): boolean {
    try {
      this.#table?.attach(ifindex, mac);
      return this.#table !== undefined;
    } catch (error) {
      this.#refuse('every node serves: the program cannot be attached', error, ifname);
      return false;
    }
  }

  detach(ifindex: number): void {
    this.#table?.detach(ifindex);
  }

  /** Says that the tables count, and puts back a program that was taken off. Returns whether it is on everywhere. */
  keepUp(): boolean {
    const table = this.#table;
    if (table === undefined) return true;
    table.renew(FRESH_FOR_MS);
    const nowMs = this.#options.clock.now();
    if (nowMs < this.#lookAtMs) return true;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    this.#noteKeeper(table);
    return table.attached.every((ifindex) => this.#repair(table, ifindex, nowMs));
  }

  /** Tries with all VIPs again where some had no room, once it is time or there are fewer. */
  tryRoom(vipCount: number): void {
    const isTried = this.#crowding.tryAll(vipCount, this.#options.clock.now());
    if (isTried && this.#obstacle?.what === 'room') this.#obstacle = undefined;
  }

  /** Puts into the kernel what the segments agree on. */
  write(segments: readonly SpreadSegment[], everywhere: ReadonlyMap<string, ServedEverywhere>): void {
    for (;;) {
      const fitting = new Map([...everywhere].filter(([vip]) => !this.crowded.has(vip)));
      try {
        this.#put(segments, fitting);
        return;
      } catch (error) {
        const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
        if (!isFull || fitting.size === 0) {
          this.#options.log.warn('every node serves: the tables cannot be written', errorFields(error));
          return;
        }
        this.#leaveOut(fitting, everywhere.size, error);
      }
    }
  }

  // Without it all is well, until this process dies.
  #noteKeeper({ isKept }: SpreadTablePort): void {
    const { log, keeperSocket } = this.#options;
    if (keeperSocket === undefined) return;
    const keeping = isKept ? 'kept' : 'not-kept';
    if (keeping === 'not-kept' && this.#keeper !== keeping)
      log.warn('every node serves: the keeper is not there, a crash would break connections', { socket: keeperSocket });
    if (keeping === 'kept' && this.#keeper === 'not-kept') log.info('every node serves: the keeper is back');
    this.#keeper = keeping;
  }

  #put(segments: readonly SpreadSegment[], fitting: ReadonlyMap<string, ServedEverywhere>): void {
    const [table, builder] = [this.#table, this.#builder];
    if (table === undefined || builder === undefined) return;
    const { clock, clusterId } = this.#options;
    const { members, services } = builder.contents(segments, fitting, clock.now());
    table.replace({ self: OWN_NUMBER, seed: BigInt(`0x${clusterId()}`), members, services });
    const { fingerprints, numbers } = builder.strays(segments);
    this.#excess = table.setStrays(fingerprints, numbers);
  }

  #leaveOut(fitting: ReadonlyMap<string, ServedEverywhere>, vips: number, error: unknown): void {
    const { clock, log } = this.#options;
    this.#crowding.leaveOut([...fitting.keys()], vips, clock.now());
    this.#obstacle = { what: 'room', error };
    this.#refusedMs = clock.now();
    log.warn('every node serves: there is no room, the owners serve some VIPs alone', {
      ...{ vips: this.crowded.size, of: vips },
      ...errorFields(error),
    });
  }

  #repair(table: SpreadTablePort, ifindex: number, nowMs: number): boolean {
    const state = table.look(ifindex);
    if (state === 'in-place') return true;
    if (state === 'behind') {
      const lately = (this.#firstAgain.get(ifindex) ?? []).filter((ms) => nowMs - ms < FIRST_AGAIN_WITHIN_MS);
      if (lately.length >= FIRST_AGAIN) return true;
      this.#firstAgain.set(ifindex, [...lately, nowMs]);
    }
    this.#options.log.warn('every node serves: the program is attached again', { ifindex, was: state });
    try {
      table.attachAgain(ifindex);
      return true;
    } catch (error) {
      this.#refuse('every node serves: the program cannot be attached again', error);
      return false;
    }
  }

  #refuse(message: string, error: unknown, ifname?: string): void {
    const { clock, log } = this.#options;
    this.#refusedMs = clock.now();
    this.#openAgainMs = this.#refusedMs + OPEN_AGAIN_MS;
    this.#obstacle = { what: 'program', error };
    log.warn(message, { ...(ifname !== undefined && { interface: ifname }), ...errorFields(error) });
    this.close();
  }
}
