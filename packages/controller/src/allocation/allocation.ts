// SPDX-License-Identifier: Apache-2.0
/**
 * Decides about batches of Services, one batch after the other, and returns a decision only when the ledger holds it. A
 * batch is one draft and one compare-and-swap; when somebody else was faster, ledger and Services are read anew and the
 * whole batch is decided again.
 */
import {
  Allocator,
  type IpAddress,
  type LedgerObject,
  type LoadBalancerClassRule,
  type ServiceKey,
  SHARING_GRACE_MS,
  type Surroundings,
  wasAnnounced,
} from '@berth/core';
import { classify, isKubeError } from '@berth/kube';
import { Backoff, type Clock, Signal, sleep } from '@berth/runtime';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { Quarantines } from '../quarantine/quarantines.ts';
import type { Ledger } from './ledger.ts';
import type { Reload, Round, ServiceTask } from './round.ts';
import { ServiceJudge } from './service-judge.ts';

/** Lost races in a row after which losing one more counts as a failure. */
const MAX_RACES = 20;
/** Wait after a failure of the ledger, in milliseconds: all is decided within 10 s after what was broken is mended. */
const FAILURE_BACKOFF = { baseMs: 500, capMs: 8_000, jitter: 0.1 };
/** Longest time that a batch waits for more Services, in milliseconds. */
const MAX_REST_MS = 100;

export interface AllocationOptions {
  readonly view: Pick<ClusterView, 'services' | 'refreshServices'>;
  readonly ledger: Pick<Ledger, 'read' | 'write' | 'isKnown'>;
  readonly classRule: LoadBalancerClassRule;
  readonly clock: Clock;
  readonly surroundings: Surroundings;
  readonly quarantines: Pick<Quarantines, 'apply' | 'committed'>;
  readonly random?: () => number;
}

export class Allocation {
  /** The ledger was read, and statuses were taken over. */
  readonly reloads = new Signal<[Reload]>();
  /** A compare-and-swap failed, and the batch is decided again. */
  readonly lostRaces = new Signal();
  /** The ledger was written; with the time that it took. */
  readonly writes = new Signal<[milliseconds: number]>();
  /** The ledger could not be read or written, and the batch waits. */
  readonly failures = new Signal<[error: unknown, retryInMs: number]>();
  /** A batch is decided, and the ledger holds it. */
  readonly successes = new Signal();
  readonly allocator: Allocator;
  readonly #options: AllocationOptions;
  readonly #services: ServiceJudge;
  #surroundings: Surroundings;
  #mustReload = true;
  #isLedgerRead = false;
  /** The ledger as it was read before there was anything to decide; dropped when somebody else wrote it since. */
  #readAhead: Promise<readonly LedgerObject[] | undefined> | undefined;
  readonly #backoff: Backoff;
  /** How long the last write of the ledger took, in milliseconds. */
  #lastWriteMs = 0;
  /** Ends when the last batch has ended: batches are decided one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: AllocationOptions) {
    this.#options = options;
    this.#services = new ServiceJudge(options);
    this.#surroundings = options.surroundings;
    this.#backoff = new Backoff({ ...FAILURE_BACKOFF, random: options.random ?? Math.random });
    this.allocator = new Allocator(options.surroundings, {
      sharingGraceMs: SHARING_GRACE_MS,
      termsNow: (key) => this.#services.termsNow(key),
    });
  }

  /**
   * Reads the ledger before there is anything to decide, so that the first batch need not wait for it. Whoever wrote it
   * since then makes that batch fail at its compare-and-swap, and it is read again.
   */
  readAhead(signal: AbortSignal): void {
    this.#readAhead = this.#read(signal).catch((error: unknown) => {
      // The first batch meets the same error, if it lasts, and tells it.
      classify(error);
      return undefined;
    });
  }

  /** Before the ledger is read for the first time, nothing can be said of who uses what. */
  get isLedgerRead(): boolean {
    return this.#isLedgerRead;
  }

  /** Takes effect with the next batch: each batch sees one snapshot. */
  setSurroundings(surroundings: Surroundings): void {
    this.#surroundings = surroundings;
  }

  /**
   * Looks at a version of the ledger that was seen (undefined: an object was deleted); true when somebody else made it,
   * and so the ledger is read anew before the next batch. Our own may be seen before its answer has come, hence the
   * waiting.
   */
  async isForeign(version: string | undefined): Promise<boolean> {
    await this.#last;
    if (this.#options.ledger.isKnown(version)) return false;
    this.mustReload();
    return true;
  }

  /** The next batch reads the ledger anew. */
  mustReload(): void {
    this.#mustReload = true;
    this.#readAhead = undefined;
  }

  /**
   * How long to let Services gather after a batch, in milliseconds: as long as its write of the ledger took. So a
   * steady stream of Services costs the API server no more than half its time for the ledger, and one that comes alone
   * does not wait.
   */
  get restMs(): number {
    return Math.min(MAX_REST_MS, this.#lastWriteMs);
  }

  /**
   * Decides about the Services with these keys. While the ledger cannot be read or written it tries again with growing
   * delays; rejects with a KubeError only when the signal is aborted.
   */
  decide(keys: readonly ServiceKey[], signal: AbortSignal): Promise<Round> {
    const round = this.#last.then(() => turnBefore(keys.length)).then(() => this.#decide(keys, signal));
    this.#last = round.catch(() => {});
    return round;
  }

  async #decide(keys: readonly ServiceKey[], signal: AbortSignal): Promise<Round> {
    let isReloaded = false;
    for (let races = 0; ; ) {
      try {
        isReloaded = (await this.#reloadIfNeeded(signal)) || isReloaded;
        const decided = await this.#try(keys, signal);
        this.#backoff.reset();
        this.successes.emit();
        return { ...decided, isReloaded };
      } catch (error) {
        races = await this.#afterError(error, races, signal);
      }
    }
  }

  /** Waits until it makes sense to try again; returns the races lost in a row. */
  async #afterError(error: unknown, races: number, signal: AbortSignal): Promise<number> {
    const { clock, random = Math.random } = this.#options;
    // Whatever failed, whether the server made the write is not known for sure.
    this.mustReload();
    const reaction = classify(error);
    if (reaction.action === 'stop' || signal.aborted) throw error;
    if (isKubeError(error, 'conflict', 'already-exists', 'not-found') && races < MAX_RACES) {
      this.lostRaces.emit();
      // Two that race would meet again and again if they came back at once.
      await sleep(clock, (races + 1) * 20 * random(), signal);
      return races + 1;
    }
    const askedMs = reaction.action === 'retry' ? (reaction.afterMs ?? 0) : 0;
    const retryInMs = Math.max(askedMs, this.#backoff.next());
    this.failures.emit(error, retryInMs);
    await sleep(clock, retryInMs, signal);
    return 0;
  }

  async #try(keys: readonly ServiceKey[], signal: AbortSignal): Promise<Omit<Round, 'isReloaded'>> {
    for (const _ of this.allocator.swapSurroundings(this.#surroundings)) await turn();
    const nowMs = this.#options.clock.date().getTime();
    const tasks = new Map<ServiceKey, ServiceTask>();
    const moving = this.#options.quarantines.apply(this.allocator, nowMs);
    // What becomes free goes first, so that those who wait in the same batch get it; then the oldest first.
    for (const { key, service } of this.#services.inOrder(new Set([...keys, ...moving])))
      tasks.set(key, this.#services.judge(this.allocator, { key, service, nowMs }));
    const sharers = this.allocator.table.lonelySharersOfDraft();
    const writes = this.allocator.writes();
    const startedAt = this.#options.clock.now();
    const versions = writes.length === 0 ? [] : await this.#options.ledger.write(writes, signal);
    this.#lastWriteMs = writes.length === 0 ? 0 : this.#options.clock.now() - startedAt;
    this.allocator.commit(versions);
    this.#options.quarantines.committed(this.allocator);
    if (writes.length > 0) this.writes.emit(this.#lastWriteMs);
    return { tasks, sharers, isChange: writes.length > 0 };
  }

  async #reloadIfNeeded(signal: AbortSignal): Promise<boolean> {
    if (!this.#mustReload) return false;
    const { view, clock } = this.#options;
    const ahead = await this.#readAhead;
    const objects = ahead ?? (await this.#read(signal));
    this.#readAhead = undefined;
    this.#mustReload = false;
    this.allocator.setSurroundings(this.#surroundings);
    const problems = this.allocator.reset(objects);
    const nowMs = clock.date().getTime();
    const used = (key: ServiceKey, address: IpAddress) => wasAnnounced(view.services.get(key) ?? {}, address, nowMs);
    const adoption = this.allocator.adopt({ ...this.#services.all(), nowMs, wasAnnounced: used });
    this.#isLedgerRead = true;
    this.reloads.emit({ problems, adoption });
    return true;
  }

  // Ledger first, Services second: whoever is in this ledger and still exists is then among these Services.
  async #read(signal: AbortSignal): Promise<readonly LedgerObject[]> {
    const objects = await this.#options.ledger.read(signal);
    await this.#options.view.refreshServices(signal);
    return objects;
  }
}

/** Fewer Services than this are decided without a turn of the event loop before. */
const MANY = 100;

// Where nothing is to be written no batch waits for anything, and all of them would be one block.
function turnBefore(count: number): Promise<void> | undefined {
  return count < MANY ? undefined : turn();
}

/** Lets the event loop have a turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
