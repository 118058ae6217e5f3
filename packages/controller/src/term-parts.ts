// SPDX-License-Identifier: Apache-2.0
/** Puts the parts of one term of leadership together, each from those before it. Nothing works yet. */
import { isOurs, type LoadBalancerClassRule, Occupants } from '@berth/core';
import { ApiBudget, type EventRecorder, type KubeApi, type Service, WorkQueue } from '@berth/kube';
import type { Clock, Log } from '@berth/runtime';
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
import { openHistory } from './history/open-history.ts';
import type { Metrics } from './metrics.ts';
import { PoolReconciler } from './pool-reconciler.ts';
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

export interface TermParts {
  /** Keys of Services that are to be looked at. */
  readonly queue: WorkQueue;
  readonly events: EventRecorder;
  readonly outages: Outages;
  readonly pools: PoolReconciler;
  readonly occupancy: Occupancy;
  readonly patcher: StatusPatcher;
  readonly announcements: Announcements;
  readonly history: HistoryKeeper;
  readonly quarantines: Quarantines;
  readonly allocation: Allocation;
  readonly writer: ServiceWriter;
  readonly unconfigured: Unconfigured;
  readonly services: ServiceReconciler;
  readonly surroundings: SurroundingsNews;
  readonly times: ServiceTimes;
  readonly reporters: {
    readonly undone: UndoneReporter;
    readonly quarantine: QuarantineReporter;
    readonly ledger: LedgerReporter;
  };
}

/** `signal`: aborted when the term ends. */
export function openTermParts(options: LeaderTermOptions, signal: AbortSignal): TermParts {
  const { api, clock, log, view, namespace, metrics, classRule, finalizer } = options;
  const budget = new ApiBudget({ clock, maxConcurrency: CONCURRENT_CALLS });
  const queue = new WorkQueue({ clock });
  const events = openEvents(options, budget);
  const outages = new Outages({ clock, log, events, metrics, waiting: () => waitingServices(options) });
  const pools = new PoolReconciler({ ...options, events }, signal);
  const occupancy = new Occupancy({ view, clock, classRule });
  const patcher = new StatusPatcher({ api, budget, clock });
  const announcements = new Announcements({
    ...{ clock, events, patcher, view, classRule },
    config: () => pools.state.config,
    nodeWith: (vip) => occupancy.current.holderOf(vip)?.node,
  });
  const history = openHistory({ ...options, events, whySilent: (key) => announcements.silent.reasonOf(key) });
  const quarantines = new Quarantines({ clock, view });
  const ledger = new Ledger({ api, budget, namespace });
  const surroundingsNow = surroundingsOf(pools.state, view.namespaces.values(), Occupants.NONE);
  const allocation = new Allocation({ view, clock, classRule, ledger, quarantines, surroundings: surroundingsNow });
  const writer = new ServiceWriter({
    ...{ clock, events, patcher, api, budget, classRule, finalizer },
    announced: (service, addresses) => announcements.findingFor(service, addresses),
  });
  const unconfigured = new Unconfigured({
    ...{ view, clock, log, classRule, namespace },
    pools: () => pools.state,
    write: (task, how) => writer.write(task, how),
  });
  const services = new ServiceReconciler(
    { clock, log, view, classRule, queue, writer, allocation, occupancy, outages },
    signal,
  );
  const surroundings = new SurroundingsNews({
    ...{ view, clock, signal, pools, services, allocation, announcements, occupancy, unconfigured, history },
  });
  return {
    ...{ queue, events, outages, pools, occupancy, patcher, announcements, history, quarantines, allocation },
    ...{ writer, unconfigured, services, surroundings, times: new ServiceTimes({ clock, classRule }) },
    reporters: {
      undone: new UndoneReporter({ classRule, log, events }),
      quarantine: new QuarantineReporter({ log, events, namespace, services: view.services }),
      ledger: new LedgerReporter({ log, events, namespace, uid: () => ledger.uid }),
    },
  };
}

/** Services of ours that wait for the ledger: for an address, or to be released. */
function waitingServices({ view, classRule }: LeaderTermOptions): readonly Service[] {
  const isWaiting = ({ metadata, status }: Service) =>
    metadata.deletionTimestamp !== undefined || !status?.loadBalancer?.ingress?.length;
  return [...view.services.values()].filter((service) => isOurs(service, classRule) && isWaiting(service));
}
