// SPDX-License-Identifier: Apache-2.0
/**
 * While there is no pool configuration at all: nothing is written on any Service that somebody serves, but one of ours
 * that waits for an address says what it waits for, and under which name that is looked for.
 */
import { type Decision, isOurs, type LoadBalancerClassRule, POOL_CONFIG_MAP } from '@berth/core';
import { keyOf, type Service } from '@berth/kube';
import type { Clock, Timer } from '@berth/runtime';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { MetallbSource } from '../pools/metallb-source.ts';
import type { PoolState } from '../pools/pool-source.ts';
import type { ServiceTask } from './round.ts';

/** Another LoadBalancer that works gives an address within this time, in milliseconds. */
const PATIENCE_MS = 5_000;

export interface UnconfiguredOptions {
  readonly view: Pick<ClusterView, 'services'> & { readonly metallb: { readonly current: MetallbSource } };
  readonly clock: Clock;
  readonly classRule: LoadBalancerClassRule;
  readonly namespace: string;
  pools(): PoolState;
  write(task: ServiceTask): Promise<unknown>;
}

export class Unconfigured {
  readonly #options: UnconfiguredOptions;
  readonly #timers = new Map<string, Timer>();
  #end: (() => void) | undefined;

  constructor(options: UnconfiguredOptions) {
    this.#options = options;
  }

  start(): void {
    const { services } = this.#options.view;
    for (const service of services.values()) this.#watch(service);
    this.#end = services.subscribe(({ object }) => this.#watch(object));
  }

  /** There is a configuration, or the term ends. */
  stop(): void {
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
    // What fails is said by the writer, and is no matter of life: the next change of the Service tries again.
    void write({ kind: 'assign', service, decision });
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
