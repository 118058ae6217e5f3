// SPDX-License-Identifier: Apache-2.0
/**
 * The work of one term of leadership: hears about Services, namespaces, pools and the ledger, decides in batches,
 * writes. A term shares nothing with the one before it but the view of the cluster.
 */
import { once } from 'node:events';
import { type PoolUsageReport, poolReport, type RefusalReason } from '@berth/core';
import type { PoolUse } from './pool-reconciler.ts';
import type { PoolState } from './pools/pool-source.ts';
import { followCluster, followParts } from './term-news.ts';
import { type LeaderTermOptions, openTermParts, type TermParts } from './term-parts.ts';

export class LeaderTerm {
  readonly #options: LeaderTermOptions;
  readonly #signal: AbortSignal;
  readonly #parts: TermParts;

  constructor(options: LeaderTermOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#parts = openTermParts(options, signal);
    followParts(this.#parts, options);
  }

  get pools(): PoolState {
    return this.#parts.pools.state;
  }

  get queueLength(): number {
    return this.#parts.services.queueLength;
  }

  usage(): readonly PoolUsageReport[] {
    return poolReport(this.#parts.allocation.allocator, this.#options.clock.date().getTime());
  }

  refusals(): ReadonlyMap<RefusalReason, number> {
    return this.#parts.services.refusals();
  }

  unwritable(): ReadonlyMap<string, number> {
    return this.#parts.outages.unwritable();
  }

  unwritableMaps(): Iterable<string> {
    return this.#parts.pools.unwritable;
  }

  /** The API server does not answer this replica. */
  outageBegan(): void {
    this.#parts.history.outageBegan();
  }

  silent(): ReadonlyMap<string, number> {
    return this.#parts.announcements.silent.counts();
  }

  /** Works until the term's signal is aborted; resolves when nothing of it is running any more. */
  async run(): Promise<void> {
    const { pools, occupancy, history, unconfigured, allocation, quarantines } = this.#parts;
    const { services, announcements, events } = this.#parts;
    const end = followCluster(this.#parts, this.#options);
    pools.restore();
    occupancy.start();
    history.start();
    unconfigured.start();
    if (pools.state.config === undefined) allocation.readAhead(this.#signal);
    pools.start(() => this.#use());
    quarantines.start();
    if (!this.#signal.aborted) await once(this.#signal, 'abort');
    end();
    pools.stop();
    occupancy.stop();
    unconfigured.stop();
    await Promise.all([services.stop(), announcements.stop()]);
    // After the last batch, which may set a timer.
    quarantines.stop();
    await Promise.all([events.stop(), pools.idle(), history.stop()]);
  }

  #use(): PoolUse | undefined {
    const { allocation, services } = this.#parts;
    if (!allocation.isLedgerRead) return undefined;
    const quarantined = allocation.allocator.table.quarantined();
    return { usage: this.usage(), stranded: services.outcomes.stranded(), quarantined };
  }
}
