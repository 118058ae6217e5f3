// SPDX-License-Identifier: Apache-2.0
/**
 * Follows the ConfigMap of the pools, and objects of MetalLB beside it: which configuration is in force, what is said
 * about it, and the ConfigMaps that are written from it.
 */
import {
  type AddressRecord,
  type Decision,
  LAST_GOOD_MAP,
  POOL_CONFIG_MAP,
  POOL_STATUS_MAP,
  type PoolUsageReport,
} from '@berth/core';
import { type EventRecorder, type KubeApi, type KubeError, messageOf } from '@berth/kube';
import { type Clock, errorFields, type Log, Signal } from '@berth/runtime';
import type { ClusterView } from './cluster/cluster-view.ts';
import { OwnedConfigMap } from './cluster/owned-config-map.ts';
import { PoolReporter } from './pools/pool-reporter.ts';
import { NO_POOLS, nextPoolState, type PoolState, restoredPoolState } from './pools/pool-source.ts';
import { formatPoolStatus } from './pools/pool-status.ts';

export interface PoolReconcilerOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly metrics: { apiFailed(error: KubeError): void };
  readonly view: Pick<ClusterView, 'configMaps' | 'metallb'>;
  readonly namespace: string;
}

/** What the addresses of the pools are used for. */
export interface PoolUse {
  readonly usage: readonly PoolUsageReport[];
  readonly stranded: readonly Decision[];
  readonly quarantined: readonly AddressRecord[];
}

export class PoolReconciler {
  /** After each look at the configuration: the state before and now. The same object twice: nothing is new. */
  readonly looks = new Signal<[before: PoolState, now: PoolState]>();
  readonly #options: PoolReconcilerOptions;
  readonly #reporter: PoolReporter;
  readonly #lastGood: OwnedConfigMap;
  readonly #status: OwnedConfigMap;
  /** ConfigMaps of ours that cannot be written, with the sentence that says so. */
  readonly #unwritable = new Map<string, string>();
  #state: PoolState = NO_POOLS;
  #use: () => PoolUse | undefined = () => undefined;
  #end: (() => void) | undefined;

  /** Writes until the signal is aborted. */
  constructor(options: PoolReconcilerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#reporter = new PoolReporter(options);
    this.#lastGood = this.#ownedMap(LAST_GOOD_MAP, () => this.#state.data, signal);
    this.#status = this.#ownedMap(POOL_STATUS_MAP, () => this.#statusData(), signal);
  }

  get state(): PoolState {
    return this.#state;
  }

  /** Names of ConfigMaps that cannot be written now. */
  get unwritable(): Iterable<string> {
    return this.#unwritable.keys();
  }

  /** Puts the last good configuration in force, before the ConfigMap is looked at. */
  restore(): void {
    this.#state = restoredPoolState(this.#configMap(LAST_GOOD_MAP)?.data);
  }

  /** `use`: what the addresses are used for; undefined while it is not known. */
  start(use: () => PoolUse | undefined): void {
    this.#use = use;
    const { configMaps, metallb } = this.#options.view;
    const ends = [
      configMaps.subscribe(({ object }) => this.#changed(object.metadata.name)),
      metallb.subscribe(() => this.#look()),
    ];
    this.#end = () => {
      for (const end of ends) end();
    };
    this.#look();
    for (const { metadata } of configMaps.values()) this.#reporter.hashSuffixed(metadata.name);
  }

  /** Hears of nothing any more. */
  stop(): void {
    this.#end?.();
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await Promise.all([this.#lastGood.idle(), this.#status.idle()]);
  }

  /** What the addresses are used for has changed. */
  useChanged(): void {
    this.#status.touch();
  }

  #changed(name: string): void {
    if (name === POOL_CONFIG_MAP) this.#look();
    this.#reporter.hashSuffixed(name);
    if (name === LAST_GOOD_MAP) this.#lastGood.touch();
    if (name === POOL_STATUS_MAP) this.#status.touch();
  }

  #look(): void {
    const configMap = this.#configMap(POOL_CONFIG_MAP);
    const before = this.#state;
    const objects = this.#options.view.metallb.current;
    this.#state = nextPoolState(before, configMap, objects);
    this.#reporter.objects(objects);
    if (this.#state !== before) this.#reporter.tell(before, this.#state, configMap);
    if (this.#state.data !== before.data) this.#lastGood.touch(0);
    this.#status.touch();
    this.looks.emit(before, this.#state);
  }

  // Without a configuration the ledger is not read, and there is no one who could use anything.
  #statusData(): PoolState['data'] {
    const use = this.#use();
    if (this.#state.config !== undefined && use === undefined) return undefined;
    const { usage = [], stranded = [], quarantined = [] } = use ?? {};
    const unheard = this.#unwritable.get(LAST_GOOD_MAP);
    const metallb = this.#options.view.metallb.current;
    return formatPoolStatus({ pools: this.#state, usage, stranded, quarantined, unheard, metallb });
  }

  #ownedMap(name: string, data: () => PoolState['data'], signal: AbortSignal): OwnedConfigMap {
    const { api, clock, view, namespace } = this.#options;
    const map = new OwnedConfigMap({ api, clock, store: view.configMaps, namespace, name, data }, signal);
    map.failures.subscribe((error) => this.#failed(name, error));
    map.mended.subscribe(() => {
      this.#unwritable.delete(name);
      this.#options.log.info('ConfigMap can be written again', { configMap: name });
      this.#status.touch();
    });
    return map;
  }

  // Speakers obey what was accepted last as it stands there: while that cannot be written, the pools in force are not
  // what they go by.
  #failed(name: string, error: KubeError): void {
    const { metrics, log } = this.#options;
    const failure = `ConfigMap ${name} cannot be written: ${messageOf(error)}`;
    const message = name === LAST_GOOD_MAP ? `speakers go on with the configuration before, since ${failure}` : failure;
    const isNew = !this.#unwritable.has(name);
    this.#unwritable.set(name, message);
    metrics.apiFailed(error);
    log.warn(`ConfigMap ${name} not written`, errorFields(error));
    if (name !== LAST_GOOD_MAP) return;
    this.#reporter.lastGoodUnwritable(message, this.#configMap(POOL_CONFIG_MAP));
    if (isNew) this.#status.touch();
  }

  #configMap(name: string) {
    return this.#options.view.configMaps.get(`${this.#options.namespace}/${name}`);
  }
}
