// SPDX-License-Identifier: Apache-2.0
/**
 * While there is no pool configuration at all: nothing is written on any Service that somebody serves, but one of ours
 * that waits for an address says what it waits for, and under which name that is looked for.
 */
import { type Decision, isOurs, type LoadBalancerClassRule, POOL_CONFIG_MAP } from '@berth/core';
import { keyOf, type Service } from '@berth/kube';
import type { Clock, Log, Timer } from '@berth/runtime';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { MetallbSource } from '../pools/metallb-source.ts';
import type { PoolState } from '../pools/pool-source.ts';
import type { ServiceTask } from './round.ts';
import type { WriteOptions } from './service-writer.ts';

/** Another LoadBalancer that works gives an address within this time, in milliseconds. */
const PATIENCE_MS = 5_000;
/**
 * Events at once, and the milliseconds after which there is one more. All of them say the same, and thousands would be
 * load for minutes, also on the Services that get their addresses then. Each Service has its condition all the same.
 */
const MAX_EVENTS = 20;
const EVENT_EVERY_MS = 5_000;
/** So often the log repeats how many Services have no Event, in milliseconds. */
const LOG_EVERY_MS = 60_000;

export interface UnconfiguredOptions {
  readonly view: Pick<ClusterView, 'services'> & { readonly metallb: { readonly current: MetallbSource } };
  readonly clock: Clock;
  readonly classRule: LoadBalancerClassRule;
  readonly namespace: string;
  readonly log: Pick<Log, 'warn'>;
  pools(): PoolState;
  write(task: ServiceTask, options: WriteOptions): Promise<unknown>;
}

export class Unconfigured {
  readonly #options: UnconfiguredOptions;
  readonly #timers = new Map<string, Timer>();
  readonly #stopper = new AbortController();
  #events = MAX_EVENTS;
  /** As of when `#events` is, in milliseconds. */
  #eventsMs = 0;
  #loggedMs = Number.NEGATIVE_INFINITY;
  #end: (() => void) | undefined;

  constructor(options: UnconfiguredOptions) {
    this.#options = options;
  }

  start(): void {
    const { services } = this.#options.view;
    for (const service of services.values()) this.#watch(service);
    this.#end = services.subscribe(({ object }) => this.#watch(object));
  }

  /** There is a configuration, or the term ends. What is not written yet is left: it would be in the way. */
  stop(): void {
    this.#stopper.abort();
    this.#end?.();
    this.#end = undefined;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #watch(service: Service): void {
    const key = keyOf(service);
    if (!this.#isWaiting(service) || this.#timers.has(key)) return;
    const timer = this.#options.clock.after(PATIENCE_MS, () => {
      this.#timers.delete(key);
      const present = this.#options.view.services.get(key);
      if (present !== undefined && this.#isWaiting(present)) this.#tell(present);
    });
    this.#timers.set(key, timer);
  }

  #isWaiting(service: Service): boolean {
    const { metadata, status } = service;
    const isShown = (status?.loadBalancer?.ingress ?? []).length > 0;
    return isOurs(service, this.#options.classRule) && metadata.deletionTimestamp === undefined && !isShown;
  }

  #tell(service: Service): void {
    const { namespace, pools, view, write } = this.#options;
    const message = messageOn(pools(), namespace) + noteOnObjects(view.metallb.current);
    const decision = noConfiguration(keyOf(service), message);
    const isRecorded = this.#takeEvent();
    if (!isRecorded) this.#log();
    // What fails is said by the writer, and is no matter of life: the next change of the Service tries again.
    void write(
      { kind: 'assign', service, decision },
      { signal: this.#stopper.signal, events: isRecorded ? 'recorded' : 'left out' },
    );
  }

  #takeEvent(): boolean {
    const nowMs = this.#options.clock.now();
    const more = Math.floor((nowMs - this.#eventsMs) / EVENT_EVERY_MS);
    this.#events = Math.min(MAX_EVENTS, this.#events + more);
    this.#eventsMs += more * EVENT_EVERY_MS;
    if (this.#events === 0) return false;
    this.#events -= 1;
    return true;
  }

  #log(): void {
    const { clock, log, view } = this.#options;
    if (clock.now() - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = clock.now();
    const waiting = [...view.services.values()].filter((service) => this.#isWaiting(service)).length;
    log.warn('many Services wait for a pool configuration: not each of them has an Event', { waiting });
  }
}

function messageOn({ report }: PoolState, namespace: string): string {
  const place = `ConfigMap ${namespace}/${POOL_CONFIG_MAP}`;
  if (report === 'Invalid')
    return `the pool configuration is refused, and there was none before: see the Events of ${place}`;
  return `there is no pool configuration: ${place} is looked for`;
}

function noteOnObjects(objects: MetallbSource): string {
  if (objects.kind !== 'unread' || objects.why !== 'MetallbRuns') return '';
  return "; objects of MetalLB are there, and not read while MetalLB's controller is at work";
}

function noConfiguration(service: string, message: string): Decision {
  return {
    service,
    addresses: [],
    condition: { status: 'False', reason: 'NoConfiguration', message },
    refusal: 'NoConfiguration',
    remarks: [],
    isPermanent: true,
    retryAtMs: undefined,
    isRenumberDone: false,
    isChange: false,
    freed: [],
  };
}
