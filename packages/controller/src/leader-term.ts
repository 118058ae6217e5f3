// SPDX-License-Identifier: Apache-2.0
/**
 * The work of one term of leadership: hears about Services, namespaces, pools and the ledger, decides in batches,
 * writes. A term shares nothing with the one before it but the view of the cluster.
 */
import { once } from 'node:events';
import {
  isOurs,
  type LoadBalancerClassRule,
  Occupants,
  type PoolUsageReport,
  poolReport,
  type RefusalReason,
} from '@berth/core';
import { ApiBudget, type EventRecorder, type KubeApi, type Service, WorkQueue } from '@berth/kube';
import { type Clock, errorFields, type Log } from '@berth/runtime';
import { Allocation } from './allocation/allocation.ts';
import { Ledger } from './allocation/ledger.ts';
import { LedgerReporter } from './allocation/ledger-reporter.ts';
import { Occupancy } from './allocation/occupancy.ts';
import { ServiceWriter } from './allocation/service-writer.ts';
import { surroundingsOf } from './allocation/surroundings.ts';
import { Unconfigured } from './allocation/unconfigured.ts';
import { UndoneReporter } from './allocation/undone-reporter.ts';
import { Announcements } from './announcement/announcements.ts';
import type { ApiOutages } from './cluster/api-outages.ts';
import type { ClusterView } from './cluster/cluster-view.ts';
import { openEvents } from './cluster/open-events.ts';
import { Outages } from './cluster/outages.ts';
import { ServiceTimes } from './cluster/service-times.ts';
import { StatusPatcher } from './cluster/status-patcher.ts';
import type { HistoryKeeper } from './history/history-keeper.ts';
import { quarantineMarks } from './history/history-marks.ts';
import { openHistory } from './history/open-history.ts';
import type { Metrics } from './metrics.ts';
import { PoolReconciler, type PoolUse } from './pool-reconciler.ts';
import type { PoolState } from './pools/pool-source.ts';
import { QuarantineReporter } from './quarantine/quarantine-reporter.ts';
import { Quarantines } from './quarantine/quarantines.ts';
import { ServiceReconciler } from './service-reconciler.ts';
import { SurroundingsNews } from './surroundings-news.ts';

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
  readonly outages: ApiOutages;
}

export class LeaderTerm {
  readonly #options: LeaderTermOptions;
  readonly #signal: AbortSignal;
  readonly #pools: PoolReconciler;
  readonly #services: ServiceReconciler;
  readonly #outages: Outages;
  readonly #quarantines: Quarantines;
  readonly #allocation: Allocation;
  readonly #events: EventRecorder;
  readonly #patcher: StatusPatcher;
  readonly #announcements: Announcements;
  readonly #occupancy: Occupancy;
  readonly #unconfigured: Unconfigured;
  readonly #history: HistoryKeeper;
  readonly #surroundings: SurroundingsNews;
  /** Before it is read, nothing can be said of who uses what. */
  #isLedgerRead = false;

  constructor(options: LeaderTermOptions, signal: AbortSignal) {
    const { api, clock, log, view, namespace, metrics, classRule, finalizer } = options;
    const budget = new ApiBudget({ clock, maxConcurrency: CONCURRENT_CALLS });
    const queue = new WorkQueue({ clock });
    const events = openEvents(options, budget);
    this.#options = options;
    this.#signal = signal;
    this.#events = events;
    this.#outages = new Outages({ clock, log, events, metrics, waiting: () => waitingServices(options) });
    this.#pools = new PoolReconciler(
      {
        ...options,
        events,
        use: () => this.#use(),
        onLook: (before, now) => this.#surroundings.poolsLooked(before, now),
      },
      signal,
    );
    this.#occupancy = new Occupancy({
      ...{ view, clock, classRule },
      onChange: () => this.#surroundings.occupantsChanged(),
    });
    const tellUndone = new UndoneReporter({ classRule, log, events });
    this.#patcher = new StatusPatcher({
      ...{ api, budget, clock },
      onPatch: (patched) => {
        metrics.statusPatched();
        view.learn(patched);
      },
      onUndone: tellUndone.tell.bind(tellUndone),
    });
    const writing = { clock, events, patcher: this.#patcher };
    this.#announcements = new Announcements({
      ...{ ...writing, view, classRule },
      config: () => this.#pools.state.config,
      nodeWith: (vip) => this.#occupancy.current.holderOf(vip)?.node,
      onFailure: (service, error) => {
        metrics.apiFailed(error);
        log.debug('condition Announced not written', { service, ...errorFields(error) });
      },
    });
    this.#history = openHistory({ ...options, events, whySilent: (key) => this.#announcements.silent.reasonOf(key) });
    const quarantineReporter = new QuarantineReporter({ log, events, namespace, services: view.services });
    this.#quarantines = new Quarantines({
      ...{ clock, view },
      onDue: () => queue.nudge(),
      onNews: (news) => {
        quarantineReporter.tell(news);
        this.#history.note(...quarantineMarks(news, clock.date().getTime()));
      },
    });
    this.#allocation = this.#newAllocation(new Ledger({ api, budget, namespace }));
    const writer = new ServiceWriter({
      ...{ ...writing, api, budget, classRule, finalizer },
      announced: this.#announcements.findingFor.bind(this.#announcements),
      onAnnounced: this.#announcements.tell.bind(this.#announcements),
      onRead: (fresh) => view.learn(fresh),
      onWait: (key, waitMs) => queue.addAfter(key, waitMs),
    });
    this.#unconfigured = new Unconfigured({
      ...{ view, clock, log, classRule, namespace },
      pools: () => this.#pools.state,
      write: (task, how) => writer.write(task, how),
    });
    this.#services = new ServiceReconciler(
      {
        ...{ clock, log, view, classRule, queue, writer },
        ...{ allocation: this.#allocation, occupancy: this.#occupancy, outages: this.#outages },
        onDecided: () => this.#pools.useChanged(),
      },
      signal,
    );
    this.#surroundings = new SurroundingsNews({
      ...{ view, clock, signal, pools: this.#pools, services: this.#services, allocation: this.#allocation },
      ...{ announcements: this.#announcements, occupancy: this.#occupancy },
      ...{ unconfigured: this.#unconfigured, history: this.#history },
    });
  }

  get pools(): PoolState {
    return this.#pools.state;
  }

  get queueLength(): number {
    return this.#services.queueLength;
  }

  usage(): readonly PoolUsageReport[] {
    return poolReport(this.#allocation.allocator, this.#options.clock.date().getTime());
  }

  refusals(): ReadonlyMap<RefusalReason, number> {
    return this.#services.refusals();
  }

  unwritable(): ReadonlyMap<string, number> {
    return this.#outages.unwritable();
  }

  unwritableMaps(): Iterable<string> {
    return this.#pools.unwritable;
  }

  /** The API server does not answer this replica. */
  outageBegan(): void {
    this.#history.outageBegan();
  }

  silent(): ReadonlyMap<string, number> {
    return this.#announcements.silent.counts();
  }

  /** Works until the term's signal is aborted; resolves when nothing of it is running any more. */
  async run(): Promise<void> {
    const { view, clock, classRule, metrics } = this.#options;
    const times = new ServiceTimes({
      ...{ clock, classRule },
      onAddress: (milliseconds) => metrics.gotAddress(milliseconds),
      onAnnounced: (milliseconds) => metrics.wasAnnounced(milliseconds),
    });
    const ends = [
      view.services.subscribe((event) => times.follow(event)),
      view.services.subscribe((event) => {
        this.#patcher.seen(event.object);
        this.#services.serviceChanged(event);
      }),
      view.namespaces.subscribe((event) => this.#surroundings.namespaceChanged(event)),
      view.ledgerVersions.subscribe((event) => void this.#services.ledgerChanged(event)),
      view.onRewind(() => this.#rewound()),
    ];
    this.#pools.restore();
    this.#occupancy.start();
    this.#history.start();
    this.#unconfigured.start();
    if (this.#pools.state.config === undefined) this.#allocation.readAhead(this.#signal);
    this.#pools.start();
    this.#quarantines.start();
    if (!this.#signal.aborted) await once(this.#signal, 'abort');
    for (const end of ends) end();
    this.#pools.stop();
    this.#occupancy.stop();
    this.#unconfigured.stop();
    await Promise.all([this.#services.stop(), this.#announcements.stop()]);
    // After the last batch, which may set a timer.
    this.#quarantines.stop();
    await Promise.all([this.#events.stop(), this.#pools.idle(), this.#history.stop()]);
  }

  #newAllocation(ledger: Ledger): Allocation {
    const { view, clock, log, classRule, metrics, namespace } = this.#options;
    const reporter = new LedgerReporter({ log, events: this.#events, namespace, uid: () => ledger.uid });
    return new Allocation({
      ...{ view, clock, classRule, ledger, quarantines: this.#quarantines },
      surroundings: surroundingsOf(this.#pools.state, view.namespaces.values(), Occupants.NONE),
      onReload: (reload) => {
        this.#isLedgerRead = true;
        reporter.tell(reload);
      },
      onLostRace: () => metrics.ledgerRaceLost(),
      onLedgerWrite: (milliseconds) => metrics.ledgerWritten(milliseconds),
      onLedgerFailure: (error, retryInMs) => this.#outages.ledgerFailed(error, retryInMs),
      onLedgerWorks: () => {
        this.#outages.ledgerWorks();
        reporter.decided();
      },
    });
  }

  #rewound(): void {
    this.#options.log.warn('the API server was restored from a backup: everything is read anew');
    this.#services.rewound();
  }

  #use(): PoolUse | undefined {
    if (!this.#isLedgerRead) return undefined;
    const quarantined = this.#allocation.allocator.table.quarantined();
    return { usage: this.usage(), stranded: this.#services.outcomes.stranded(), quarantined };
  }
}

/** Services of ours that wait for the ledger: for an address, or to be released. */
function waitingServices({ view, classRule }: LeaderTermOptions): readonly Service[] {
  const isWaiting = ({ metadata, status }: Service) =>
    metadata.deletionTimestamp !== undefined || !status?.loadBalancer?.ingress?.length;
  return [...view.services.values()].filter((service) => isOurs(service, classRule) && isWaiting(service));
}
