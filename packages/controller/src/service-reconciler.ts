// SPDX-License-Identifier: Apache-2.0
/** Brings Services in line with what is decided about them: decides in batches, writes beside the next batch. */
import { isOurs, type LoadBalancerClassRule, type RefusalReason } from '@berth/core';
import {
  type ConfigMap,
  isKubeError,
  keyOf,
  type Namespace,
  type PendingResult,
  ReconcileLoop,
  type ReconcileResult,
  type Service,
  type StoreEvent,
  type WorkQueue,
} from '@berth/kube';
import { type Clock, errorFields, type Log, Signal } from '@berth/runtime';
import type { Allocation } from './allocation/allocation.ts';
import { keysByAge } from './allocation/keys-by-age.ts';
import type { Occupancy } from './allocation/occupancy.ts';
import { Outcomes } from './allocation/outcomes.ts';
import type { ServiceTask } from './allocation/round.ts';
import type { ServiceWriter } from './allocation/service-writer.ts';
import { keysIn } from './allocation/surroundings.ts';
import type { ClusterView } from './cluster/cluster-view.ts';
import type { Outages } from './cluster/outages.ts';
import { isRelevantServiceChange } from './cluster/relevant-change.ts';
import { EditReport } from './pools/edit-report.ts';

/**
 * Most Services of one batch: the first ones of a burst need not wait for all decisions, and no batch blocks the event
 * loop for long.
 */
const MAX_BATCH = 200;

/** Keys that are put into the queue in one turn of the event loop. */
const KEYS_PER_TURN = 4_000;

export interface ServiceReconcilerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly view: Pick<ClusterView, 'services'>;
  readonly classRule: LoadBalancerClassRule;
  /**
   * Keys of Services that are to be looked at. A nudge asks for a batch although no Service changed, e.g. to read the
   * ledger anew.
   */
  readonly queue: WorkQueue;
  readonly allocation: Pick<Allocation, 'decide' | 'isForeign' | 'mustReload' | 'restMs'>;
  /** Tells what has been seen of others before each decision. */
  readonly occupancy: Pick<Occupancy, 'flush'>;
  readonly writer: Pick<ServiceWriter, 'write'>;
  readonly outages: Pick<Outages, 'statusFailed' | 'statusWorks'>;
}

export class ServiceReconciler {
  /** A batch was decided. */
  readonly decided = new Signal();
  readonly #options: ServiceReconcilerOptions;
  readonly #signal: AbortSignal;
  readonly #loop: ReconcileLoop;
  readonly #outcomes = new Outcomes();
  readonly #edit: EditReport;
  #isFirstPass = true;
  /** Full passes of which not all keys are in the queue. */
  #passesBegun = 0;

  /** `signal`: aborted when the term ends. */
  constructor(options: ServiceReconcilerOptions, signal: AbortSignal) {
    const { clock, log, queue, allocation } = options;
    this.#options = options;
    this.#signal = signal;
    this.#edit = new EditReport(log);
    this.#loop = new ReconcileLoop({
      ...{ name: 'services', clock, queue, maxBatch: MAX_BATCH },
      restMs: () => allocation.restMs,
      allKeys: () => this.#allKeys(),
      reconcile: (keys, work) => this.#reconcile(keys, work),
      onFailure: (key, result, retryInMs) => this.#failed(key, result, retryInMs),
      onIdle: () => this.#idle(),
    });
  }

  get queueLength(): number {
    return this.#options.queue.size;
  }

  /** What was decided about those for which not all is well. */
  get outcomes(): Pick<Outcomes, 'stranded'> {
    return this.#outcomes;
  }

  refusals(): ReadonlyMap<RefusalReason, number> {
    return this.#outcomes.refusals();
  }

  /** Begins to decide; before that keys only gather. */
  start(): void {
    this.#loop.start();
  }

  /** Resolves when nothing is decided or written any more. */
  async stop(): Promise<void> {
    this.#options.queue.shutDown();
    await this.#loop.stop();
  }

  serviceChanged(event: StoreEvent<Service>): void {
    if (event.type === 'updated' && !isRelevantServiceChange(event.previous, event.object)) return;
    const { queue, classRule } = this.#options;
    const isPending = isOurs(event.object, classRule) && !event.object.status?.loadBalancer?.ingress;
    queue.add(keyOf(event.object), isPending ? 'high' : 'normal');
  }

  /** Selectors see the namespace otherwise: the Services in it are concerned. */
  namespaceChanged({ object }: StoreEvent<Namespace>): void {
    const { services } = this.#options.view;
    this.#addInTurns([...keysIn(object.metadata.name, services.values())]);
  }

  async ledgerChanged({ type, object }: StoreEvent<ConfigMap>): Promise<void> {
    const { allocation, queue } = this.#options;
    const version = type === 'deleted' ? undefined : object.metadata.resourceVersion;
    if (await allocation.isForeign(version)) queue.nudge();
  }

  /** Others have other addresses: who waits may have a chance, and who asks for what somebody has is refused. */
  occupantsChanged(): void {
    for (const key of this.#outcomes.waiting()) this.#options.queue.add(key, 'low');
  }

  /** The API server was restored: the ledger may have gone back with the rest, to a version that was known once. */
  rewound(): void {
    this.#options.allocation.mustReload();
    this.#addAll();
  }

  /**
   * Pools are others: every Service is looked at. `isEdit`: there were some before, so what the edit does is summed up.
   */
  poolsChanged(isEdit: boolean): void {
    if (isEdit) this.#edit.begin(this.#outcomes.stranded());
    this.#addAll();
  }

  async #reconcile(keys: readonly string[], work: AbortSignal): Promise<ReadonlyMap<string, PendingResult>> {
    const { allocation, occupancy, queue } = this.#options;
    occupancy.flush();
    const { tasks, sharers, isChange, isReloaded } = await allocation.decide(keys, work);
    for (const [key, task] of tasks) this.#note(key, task);
    // After a change somebody who waits may have a chance, be it on a freed address or as a sharer.
    if (isReloaded) this.#addAll();
    else if (isChange) {
      for (const key of [...this.#outcomes.waiting(), ...sharers]) if (!tasks.has(key)) queue.add(key, 'low');
    }
    this.decided.emit();
    // No one waits for the writes: while they are made, the next batch is decided.
    return new Map([...tasks].map(([key, task]) => [key, this.#write(key, task, work)]));
  }

  async #write(key: string, task: ServiceTask, signal: AbortSignal): Promise<ReconcileResult> {
    const { writer, outages } = this.#options;
    const result = await writer.write(task, { signal, onSlow: () => this.#loop.exempt(key) });
    // Who was put off is tried again beside the others; whether it goes through is not known.
    if (result.kind === 'error' && isKubeError(result.error, 'put-off')) return result;
    if (result.kind === 'error') outages.statusFailed(key, result.error);
    else outages.statusWorks(key);
    return result;
  }

  #note(key: string, task: ServiceTask): void {
    if (task.kind !== 'assign') {
      this.#outcomes.forget(key);
      this.#edit.forget(key);
      return;
    }
    const { queue, clock } = this.#options;
    this.#outcomes.note(task.decision);
    this.#edit.note(task.decision, task.service.status?.loadBalancer?.ingress?.length ?? 0);
    const { retryAtMs } = task.decision;
    if (retryAtMs !== undefined) queue.addAfter(key, retryAtMs - clock.date().getTime() + 1);
  }

  #failed(key: string, result: ReconcileResult, retryInMs: number | undefined): void {
    if (!('error' in result)) return;
    const fields = { service: key, retryInMs, ...errorFields(result.error) };
    // An object that changed meanwhile is everyday life, and who was put off may be well.
    const isUsual = result.kind === 'changed' || isKubeError(result.error, 'put-off');
    this.#options.log[isUsual ? 'debug' : 'warn']('Service not reconciled', fields);
  }

  #idle(): void {
    if (this.#passesBegun > 0) return;
    const { log, view } = this.#options;
    this.#edit.conclude();
    if (this.#isFirstPass) log.info('first pass done', { services: view.services.size });
    this.#isFirstPass = false;
  }

  #addAll(): void {
    this.#options.queue.nudge();
    this.#addInTurns(this.#allKeys());
  }

  #addInTurns(keys: readonly string[]): void {
    for (const key of keys.slice(0, KEYS_PER_TURN)) this.#options.queue.add(key, 'low');
    const rest = keys.slice(KEYS_PER_TURN);
    if (rest.length === 0) return;
    this.#passesBegun += 1;
    setImmediate(() => {
      this.#passesBegun -= 1;
      if (!this.#signal.aborted) this.#addInTurns(rest);
    });
  }

  #allKeys(): readonly string[] {
    return keysByAge(this.#options.view.services.values());
  }
}
