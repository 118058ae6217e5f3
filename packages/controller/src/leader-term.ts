// SPDX-License-Identifier: Apache-2.0
/**
 * The work of one term of leadership: hears about Services, namespaces, pools and the ledger, decides in batches, writes.
 * A term shares nothing with the one before it but the view of the cluster.
 */
import { once } from 'node:events';
import {
  isOurs,
  LAST_GOOD_MAP,
  type LoadBalancerClassRule,
  POOL_CONFIG_MAP,
  type PoolUsageReport,
  poolReport,
  type RefusalReason,
  type Surroundings,
} from '@berth/core';
import { errorFields, type Log } from '@berth/daemon';
import {
  ApiBudget,
  type Clock,
  type ConfigMap,
  type EventRecorder,
  isKubeError,
  type KubeApi,
  type KubeError,
  keyOf,
  ReconcileLoop,
  type ReconcileResult,
  type Service,
  type StoreEvent,
  WorkQueue,
} from '@berth/kube';
import { Allocation, type Verdict } from './allocation.ts';
import { Announcements } from './announcements.ts';
import type { ClusterView } from './cluster-view.ts';
import { keysByAge } from './keys-by-age.ts';
import { Ledger } from './ledger.ts';
import { LedgerReporter } from './ledger-reporter.ts';
import type { Metrics } from './metrics.ts';
import { openEvents } from './open-events.ts';
import { Outcomes } from './outcomes.ts';
import { OwnedConfigMap } from './owned-config-map.ts';
import { PoolPreview } from './pool-preview.ts';
import { PoolReporter } from './pool-reporter.ts';
import { NO_POOLS, nextPoolState, type PoolState, restoredPoolState } from './pool-source.ts';
import { formatPoolStatus, POOL_STATUS_MAP } from './pool-status.ts';
import { QuarantineReporter } from './quarantine-reporter.ts';
import { Quarantines } from './quarantines.ts';
import { isRelevantNamespaceChange, isRelevantServiceChange } from './relevant-change.ts';
import { ServiceWriter } from './service-writer.ts';
import { surroundingsOf } from './surroundings.ts';

/** A key that is no Service's: asks for a batch although no Service changed, e.g. to read the ledger anew. */
const LEDGER_KEY = '';

/** Batches that may be under way: while the statuses of one are written, the next is decided. */
const WORKERS = 4;
/** Most Services of one batch, so that the first ones of a burst need not wait for all decisions. */
const MAX_BATCH = 500;

/** Connections for status patches. */
const CONCURRENT_CALLS = 8;

export interface LeaderTermOptions {
  readonly api: KubeApi;
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly namespace: string;
  readonly identity: string;
  readonly classRule: LoadBalancerClassRule;
  readonly finalizer: boolean;
}

export class LeaderTerm {
  readonly #options: LeaderTermOptions;
  readonly #signal: AbortSignal;
  readonly #queue: WorkQueue;
  readonly #loop: ReconcileLoop;
  readonly #outcomes = new Outcomes();
  readonly #ledger: Ledger;
  readonly #quarantines: Quarantines;
  readonly #allocation: Allocation;
  readonly #events: EventRecorder;
  readonly #writer: ServiceWriter;
  readonly #announcements: Announcements;
  readonly #reporter: PoolReporter;
  readonly #preview: PoolPreview;
  readonly #lastGood: OwnedConfigMap;
  readonly #status: OwnedConfigMap;
  #pools: PoolState = NO_POOLS;
  #isFirstPass = true;
  /** Before it is read, nothing can be said of who uses what. */
  #isLedgerRead = false;

  constructor(options: LeaderTermOptions, signal: AbortSignal) {
    const { api, clock, view, namespace, metrics, classRule, finalizer } = options;
    const budget = new ApiBudget({ clock, maxConcurrency: CONCURRENT_CALLS });
    this.#options = options;
    this.#signal = signal;
    this.#queue = new WorkQueue({ clock });
    this.#events = openEvents(options, budget);
    this.#ledger = new Ledger({ api, budget, namespace });
    const telling = { log: options.log, events: this.#events, namespace };
    const ledgerReporter = new LedgerReporter(telling);
    const quarantineReporter = new QuarantineReporter({ ...telling, services: view.services });
    this.#quarantines = new Quarantines({
      ...{ clock, view },
      onDue: () => this.#queue.add(LEDGER_KEY, 'high'),
      onNews: (news) => quarantineReporter.tell(news),
    });
    this.#allocation = new Allocation({
      ...{ view, clock, classRule, ledger: this.#ledger, quarantines: this.#quarantines },
      surroundings: this.#surroundings(),
      onReload: (reload) => {
        this.#isLedgerRead = true;
        ledgerReporter.tell(reload);
      },
      onLostRace: () => metrics.ledgerRaceLost(),
      onLedgerWrite: () => metrics.ledgerWritten(),
    });
    const onPatch = (patched: Service) => {
      metrics.statusPatched();
      view.learn(patched);
    };
    const writing = { api, budget, clock, events: this.#events, onPatch };
    this.#announcements = new Announcements({
      ...{ ...writing, view, classRule },
      config: () => this.#pools.config,
      onFailure: (service, error) => options.log.debug('who announces not written', { service, ...errorFields(error) }),
    });
    const announced = this.#announcements.verdictFor.bind(this.#announcements);
    this.#writer = new ServiceWriter({ ...writing, finalizer, announced });
    const { allocator } = this.#allocation;
    this.#preview = new PoolPreview({ view, allocator, classRule, clock, log: options.log });
    this.#reporter = new PoolReporter(telling);
    this.#lastGood = this.#ownedMap(LAST_GOOD_MAP, () => this.#pools.data);
    this.#status = this.#ownedMap(POOL_STATUS_MAP, () => this.#poolStatus());
    this.#loop = new ReconcileLoop({
      name: 'services',
      queue: this.#queue,
      workers: WORKERS,
      maxBatch: MAX_BATCH,
      allKeys: () => this.#allKeys(),
      reconcile: (keys, work) => this.#reconcile(keys, work),
      onFailure: (key, result, retryInMs) => this.#failed(key, result, retryInMs),
      onIdle: () => this.#idle(),
    });
  }

  get pools(): PoolState {
    return this.#pools;
  }

  get queueLength(): number {
    return this.#queue.size;
  }

  usage(): readonly PoolUsageReport[] {
    return poolReport(this.#allocation.allocator, this.#options.clock.date().getTime());
  }

  refusals(): ReadonlyMap<RefusalReason, number> {
    return this.#outcomes.refusals();
  }

  silent(): ReadonlyMap<string, number> {
    return this.#announcements.silent();
  }

  /** Works until the term's signal is aborted; resolves when nothing of it is running any more. */
  async run(): Promise<void> {
    const { view } = this.#options;
    const ends = [
      view.services.subscribe((event) => this.#serviceChanged(event)),
      view.namespaces.subscribe((event) => {
        if (event.type !== 'updated' || isRelevantNamespaceChange(event.previous, event.object))
          this.#surroundingsChanged();
      }),
      view.configMaps.subscribe(({ object }) => this.#configMapChanged(object.metadata.name)),
      view.ledgerVersions.subscribe((event) => void this.#ledgerChanged(event)),
    ];
    this.#pools = restoredPoolState(this.#configMap(LAST_GOOD_MAP)?.data);
    this.#poolsChanged();
    this.#announcements.start();
    this.#quarantines.start();
    if (!this.#signal.aborted) await once(this.#signal, 'abort');
    for (const end of ends) end();
    this.#queue.shutDown();
    await Promise.all([this.#loop.stop(), this.#announcements.stop()]);
    // After the last batch, which may set a timer.
    this.#quarantines.stop();
    await Promise.all([this.#events.stop(), this.#lastGood.idle(), this.#status.idle()]);
  }

  async #reconcile(keys: readonly string[], work: AbortSignal): Promise<ReadonlyMap<string, ReconcileResult>> {
    const { verdicts, isChange, isReloaded } = await this.#allocation.decide(keys, work);
    for (const [key, verdict] of verdicts) this.#note(key, verdict);
    // After a change somebody who waits may have a chance, be it on a freed address or as a sharer.
    const others = isReloaded ? this.#allKeys() : isChange ? this.#outcomes.waiting() : [];
    for (const key of others) if (!verdicts.has(key)) this.#queue.add(key, 'low');
    this.#status.touch();
    const written = [...verdicts].map(
      async ([key, verdict]) => [key, await this.#writer.write(verdict, work)] as const,
    );
    return new Map(await Promise.all(written));
  }

  #note(key: string, verdict: Verdict): void {
    if (verdict.kind !== 'assign') {
      this.#outcomes.forget(key);
      return;
    }
    this.#outcomes.note(verdict.decision);
    const { retryAtMs } = verdict.decision;
    if (retryAtMs !== undefined) this.#queue.addAfter(key, retryAtMs - this.#options.clock.date().getTime() + 1);
  }

  #failed(key: string, result: ReconcileResult, retryInMs: number | undefined): void {
    if (result.kind !== 'error' && result.kind !== 'error-no-retry') return;
    const fields = { service: key, retryInMs, ...errorFields(result.error) };
    // A conflict is everyday life: the newer state is on its way.
    const level = isKubeError(result.error, 'conflict') ? 'debug' : 'warn';
    this.#options.log[level]('service not brought in line', fields);
  }

  #idle(): void {
    if (this.#isFirstPass) this.#options.log.info('first pass done', { services: this.#options.view.services.size });
    this.#isFirstPass = false;
  }

  #serviceChanged(event: StoreEvent<Service>): void {
    if (event.type === 'updated' && !isRelevantServiceChange(event.previous, event.object)) return;
    const key = keyOf(event.object);
    const isPending = isOurs(event.object, this.#options.classRule) && !event.object.status?.loadBalancer?.ingress;
    this.#queue.add(key, isPending ? 'high' : 'normal');
  }

  async #ledgerChanged({ type, object }: StoreEvent<ConfigMap>): Promise<void> {
    const version = type === 'deleted' ? undefined : object.metadata.resourceVersion;
    if (await this.#allocation.isForeign(version)) this.#queue.add(LEDGER_KEY, 'high');
  }

  #configMapChanged(name: string): void {
    if (name === POOL_CONFIG_MAP) this.#poolsChanged();
    if (name === LAST_GOOD_MAP) this.#lastGood.touch();
    if (name === POOL_STATUS_MAP) this.#status.touch();
  }

  #poolsChanged(): void {
    const configMap = this.#configMap(POOL_CONFIG_MAP);
    const before = this.#pools;
    this.#pools = nextPoolState(before, configMap && (configMap.data ?? {}));
    if (this.#pools !== before) this.#reporter.tell(before, this.#pools, configMap);
    if (this.#pools.data !== before.data) this.#lastGood.touch(0);
    this.#status.touch();
    // Before the first configuration nothing is decided at all: no grant, no release, no warning.
    if (this.#pools.config === undefined) return;
    this.#loop.start();
    if (this.#pools === before) return;
    if (before.config && before.config !== this.#pools.config) this.#preview.tell(before.config, this.#surroundings());
    this.#surroundingsChanged();
    this.#announcements.everythingChanged();
  }

  #surroundingsChanged(): void {
    this.#allocation.setSurroundings(this.#surroundings());
    this.#addAll();
  }

  #surroundings(): Surroundings {
    return surroundingsOf(this.#pools, this.#options.view.namespaces.values());
  }

  #addAll(): void {
    for (const key of this.#allKeys()) this.#queue.add(key, 'low');
  }

  *#allKeys(): Iterable<string> {
    yield LEDGER_KEY;
    yield* keysByAge(this.#options.view.services.values());
  }

  // Without a configuration the ledger is not read, and there is nobody who could use anything.
  #poolStatus(): PoolState['data'] {
    if (this.#pools.config !== undefined && !this.#isLedgerRead) return undefined;
    return formatPoolStatus({
      ...{ pools: this.#pools, usage: this.usage(), stranded: this.#outcomes.stranded() },
      quarantined: this.#allocation.allocator.table.quarantined(),
    });
  }

  #ownedMap(name: string, data: () => PoolState['data']): OwnedConfigMap {
    const { api, clock, view, namespace } = this.#options;
    const onError = (error: KubeError) => this.#apiFailed(`ConfigMap ${name} not written`, error);
    return new OwnedConfigMap({ api, clock, store: view.configMaps, namespace, name, data, onError }, this.#signal);
  }

  #configMap(name: string) {
    return this.#options.view.configMaps.get(`${this.#options.namespace}/${name}`);
  }

  #apiFailed(what: string, error: KubeError): void {
    this.#options.metrics.apiFailed(error);
    this.#options.log.warn(what, errorFields(error));
  }
}
