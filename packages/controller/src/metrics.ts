// SPDX-License-Identifier: Apache-2.0
/** The metrics of the controller. Numbers that are kept elsewhere are read when somebody asks for them. */
import type { PoolUsageReport, RefusalReason } from '@berth/core';
import type { KubeError } from '@berth/kube';
import {
  Counter,
  Gauge,
  Histogram,
  type MeasuredCall,
  type MetricsPage,
  metricsPage,
  Registry,
  registerApiCalls,
  registerProcessMetrics,
} from '@berth/runtime';
import type { SpeakerCounts } from './cluster/speaker-counts.ts';
import type { PoolState } from './pools/pool-source.ts';

/**
 * Where the numbers come from. What only the leader knows is undefined or empty on the other replica, and its series
 * are not there: zero would read as "nothing loaded".
 */
export interface MetricSources {
  isLeader(): boolean;
  pools(): PoolState | undefined;
  usage(): readonly PoolUsageReport[];
  refusals(): ReadonlyMap<RefusalReason, number>;
  /** Services that wait for a write that fails, by what cannot be written. */
  unwritable(): ReadonlyMap<string, number>;
  /** ConfigMaps of Berth's own that cannot be written, by name. */
  unwritableMaps(): Iterable<string>;
  /** Services that no one announces, by reason. */
  silent(): ReadonlyMap<string, number>;
  /** Nodes by what their speakers say. */
  speakers(): SpeakerCounts | undefined;
  /** Services that wait in the queue. */
  queueLength(): number | undefined;
}

const PREFIX = 'berth_controller';

/** Upper bounds of the buckets, in seconds. */
const CALL_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** An address is wanted within 30 ms, and an answer within 300 ms. */
const WAIT_SECONDS = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Metrics {
  readonly #registry = new Registry();
  readonly #ledgerWrites: Counter<'result'>;
  readonly #historyWrites: Counter;
  readonly #statusPatches: Counter;
  readonly #ledgerWrite: Histogram;
  readonly #address: Histogram;
  readonly #announced: Histogram;
  readonly #apiErrors: Counter<'code'>;
  /** To be called with each call of the API server that has ended. */
  readonly apiCalled: (call: MeasuredCall) => void;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    this.#ledgerWrites = new Counter({
      name: `${PREFIX}_ledger_writes_total`,
      help: 'Compare-and-swap writes of the ledger: done, or lost to another writer',
      labelNames: ['result'],
      registers,
    });
    this.#ledgerWrite = new Histogram({
      name: `${PREFIX}_ledger_write_seconds`,
      help: 'Time that a write of the ledger took, with all of its objects',
      buckets: CALL_SECONDS,
      registers,
    });
    this.#address = new Histogram({
      name: 'berth_service_address_seconds',
      help: 'From when the leader saw a Service that asks for an address until its status showed one',
      buckets: WAIT_SECONDS,
      registers,
    });
    this.#announced = new Histogram({
      name: 'berth_service_announced_seconds',
      help: 'From when the leader saw a Service that asks for an address until its status said that a node announces it',
      buckets: WAIT_SECONDS,
      registers,
    });
    this.#statusPatches = new Counter({
      name: `${PREFIX}_status_patches_total`,
      help: 'Patches of the status of a Service',
      registers,
    });
    this.#historyWrites = new Counter({
      name: `${PREFIX}_history_writes_total`,
      help: 'Writes of the history, each with all that was gathered',
      registers,
    });
    this.#apiErrors = new Counter({
      name: `${PREFIX}_api_errors_total`,
      help: 'Failed calls of the API server, by what they mean',
      labelNames: ['code'],
      registers,
    });
    registerProcessMetrics(this.#registry);
    this.apiCalled = registerApiCalls(this.#registry);
    registerPools(sources, registers);
    registerState(sources, registers);
  }

  historyWritten(): void {
    this.#historyWrites.inc();
  }

  ledgerWritten(milliseconds: number): void {
    this.#ledgerWrite.observe(milliseconds / 1000);
    this.#ledgerWrites.inc({ result: 'done' });
  }

  gotAddress(milliseconds: number): void {
    this.#address.observe(milliseconds / 1000);
  }

  wasAnnounced(milliseconds: number): void {
    this.#announced.observe(milliseconds / 1000);
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

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** As a scraper asks for it by its header Accept. */
  page(accept: string | undefined): Promise<MetricsPage> {
    return metricsPage(this.#registry, accept);
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
        const value = read();
        if (value === undefined) this.remove();
        else this.set(Number(value));
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
  new Gauge({
    name: 'berth_nodes',
    help: 'Nodes by what is heard of their speakers: reporting, silent, unreadable or none; only on the replica that leads',
    labelNames: ['speaker'],
    registers,
    collect() {
      this.reset();
      for (const [speaker, count] of Object.entries(sources.speakers() ?? {})) this.set({ speaker }, count);
    },
  });
  const counts = (name: string, label: string, rest: { help: string; read: () => ReadonlyMap<string, number> }) =>
    new Gauge({
      name,
      help: rest.help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [value, count] of rest.read()) this.set({ [label]: value }, count);
      },
    });
  const byReason = (name: string, help: string, read: () => ReadonlyMap<string, number>) =>
    counts(name, 'reason', { help, read });
  byReason('berth_services_refused', 'Services with a wish that is refused now, by reason', () => sources.refusals());
  byReason('berth_services_not_announced', 'Services with an address that no one answers for, by reason', () =>
    sources.silent(),
  );
  counts(`${PREFIX}_unwritable_services`, 'what', {
    help: 'Services that wait for a write that fails now, by what cannot be written: ledger or status; only on the replica that leads',
    read: () => sources.unwritable(),
  });
  counts(`${PREFIX}_unwritable_config_maps`, 'name', {
    help: 'ConfigMaps that hold what the controller tells others and that cannot be written now, by name; only on the replica that leads',
    read: () => new Map([...sources.unwritableMaps()].map((name) => [name, 1])),
  });
}
