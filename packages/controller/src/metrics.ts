// SPDX-License-Identifier: Apache-2.0
/** The metrics of the controller. Numbers that are kept elsewhere are read when somebody asks for them. */
import type { PoolUsageReport, RefusalReason } from '@berth/core';
import { Counter, Gauge, Registry, registerProcessMetrics } from '@berth/daemon';
import type { KubeError } from '@berth/kube';
import type { PoolState } from './pool-source.ts';

/**
 * Where the numbers come from. What only the leader knows is undefined or empty on the other replica, and its series are not there:
 * zero would read as "nothing loaded".
 */
export interface MetricSources {
  isLeader(): boolean;
  pools(): PoolState | undefined;
  usage(): readonly PoolUsageReport[];
  refusals(): ReadonlyMap<RefusalReason, number>;
  /** Services that nobody announces, by reason. */
  silent(): ReadonlyMap<string, number>;
  /** Services that wait in the queue. */
  queueLength(): number | undefined;
}

const PREFIX = 'berth_controller';

export class Metrics {
  readonly #registry = new Registry();
  readonly #ledgerWrites: Counter<'result'>;
  readonly #statusPatches: Counter;
  readonly #apiErrors: Counter<'code'>;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    this.#ledgerWrites = new Counter({
      name: `${PREFIX}_ledger_writes_total`,
      help: 'Compare-and-swap writes of the ledger: done, or lost to another writer',
      labelNames: ['result'],
      registers,
    });
    this.#statusPatches = new Counter({
      name: `${PREFIX}_status_patches_total`,
      help: 'Patches of the status of a Service',
      registers,
    });
    this.#apiErrors = new Counter({
      name: `${PREFIX}_api_errors_total`,
      help: 'Failed calls of the API server, by what they mean',
      labelNames: ['code'],
      registers,
    });
    registerProcessMetrics(this.#registry);
    registerPools(sources, registers);
    registerState(sources, registers);
  }

  ledgerWritten(): void {
    this.#ledgerWrites.inc({ result: 'done' });
  }

  ledgerRaceLost(): void {
    this.#ledgerWrites.inc({ result: 'lost' });
  }

  statusPatched(): void {
    this.#statusPatches.inc();
  }

  apiFailed(error: KubeError): void {
    this.#apiErrors.inc({ code: error.code });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function registerPools(sources: MetricSources, registers: Registry[]): void {
  const perPool = (name: string, help: string, count: (row: PoolUsageReport) => bigint) =>
    new Gauge({
      name: `berth_pool_${name}`,
      help,
      labelNames: ['pool', 'family'],
      registers,
      collect() {
        // Series of a pool that is gone go with it.
        this.reset();
        for (const row of sources.usage()) this.set({ pool: row.pool, family: row.family }, Number(count(row)));
      },
    });
  perPool('addresses_total', 'Addresses that the pool can give', (row) => row.total);
  perPool('addresses_in_use', 'Addresses of the pool that Services hold; a shared one counts once', (row) => row.used);
  perPool(
    'addresses_quarantined',
    'Addresses of the pool that strangers use, found so before a Service used them',
    (row) => row.quarantined,
  );
  perPool('addresses_cooling', 'Freed addresses of the pool that still rest', (row) => row.cooling);
}

function registerState(sources: MetricSources, registers: Registry[]): void {
  const flag = (name: string, help: string, read: () => number | boolean | undefined) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.reset();
        const value = read();
        if (value !== undefined) this.set(Number(value));
      },
    });
  const isStale = ({ report }: PoolState) => report === 'Invalid' || report === 'Missing';
  const ofPools = (read: (state: PoolState) => boolean) => () => {
    const state = sources.pools();
    return state && read(state);
  };
  flag(`${PREFIX}_leader`, '1 on the replica that leads', () => sources.isLeader());
  flag(
    'berth_config_loaded',
    '1 once a pool configuration is in force; only on the replica that leads',
    ofPools(({ config }) => config !== undefined),
  );
  flag(
    'berth_config_stale',
    '1 while the pool configuration in force is not the newest; only on the replica that leads',
    ofPools(isStale),
  );
  flag(`${PREFIX}_queue_length`, 'Services that wait to be looked at; only on the replica that leads', () =>
    sources.queueLength(),
  );
  const byReason = (name: string, help: string, read: () => ReadonlyMap<string, number>) =>
    new Gauge({
      name,
      help,
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        for (const [reason, count] of read()) this.set({ reason }, count);
      },
    });
  byReason('berth_services_refused', 'Services with a wish that is refused now, by reason', () => sources.refusals());
  byReason('berth_services_not_announced', 'Services with an address that nobody answers for, by reason', () =>
    sources.silent(),
  );
}
