// SPDX-License-Identifier: Apache-2.0
/** Brings a Service in line with what the ledger says: one patch of its status, then the Events that tell about it. */
import {
  type AnnouncedFinding,
  type Decision,
  decisionEvents,
  EVENT_REASONS,
  type IpAddress,
  type LoadBalancerClassRule,
  removalPatch,
  type ServicePatch,
  statusPatch,
} from '@berth/core';
import {
  type ApiBudget,
  classify,
  type EventRecorder,
  isKubeError,
  type KubeApi,
  keyOf,
  messageOf,
  type ReconcileResult,
  resultOf,
  type Service,
  services,
  success,
} from '@berth/kube';
import { type Clock, Signal } from '@berth/runtime';
import type { StatusPatcher } from '../cluster/status-patcher.ts';
import type { ServiceTask } from './round.ts';

/** A success that wrote something. */
const written: ReconcileResult = { kind: 'success' };

export interface ServiceWriterOptions {
  readonly api: Pick<KubeApi, 'list'>;
  /** For reading a Service anew. */
  readonly budget: Pick<ApiBudget, 'run'>;
  readonly patcher: Pick<StatusPatcher, 'patch'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly clock: Clock;
  /** Whether Services with an address carry our finalizer. */
  readonly finalizer: boolean;
  readonly classRule: LoadBalancerClassRule;
  /** What to say about who announces these addresses; goes with a patch that is made anyway. */
  announced(service: Service, addresses: readonly IpAddress[]): AnnouncedFinding | undefined;
}

export interface WriteOptions {
  readonly signal: AbortSignal;
  /** Whether Events say what was decided. @default recorded */
  readonly events?: 'recorded' | 'left out';
  /** Called when the write may take long: no one should wait for it. */
  onSlow?(): void;
}

export class ServiceWriter {
  /** What the Service was before a patch, and the finding about who announces it that went with the patch. */
  readonly findings = new Signal<[service: Service, finding: AnnouncedFinding]>();
  /** A Service that may be written again only after this time. */
  readonly waits = new Signal<[key: string, waitMs: number]>();
  /** What the Service is now, after a patch that came too late. */
  readonly reads = new Signal<[fresh: Service]>();
  readonly #options: ServiceWriterOptions;

  constructor(options: ServiceWriterOptions) {
    this.#options = options;
  }

  /** Writes what is missing on one Service; no call at all when nothing is. */
  async write(task: ServiceTask, options: WriteOptions): Promise<ReconcileResult> {
    switch (task.kind) {
      case 'assign':
        return this.#assign(task.service, task.decision, options);
      case 'remove':
        return this.#patch(
          task.service,
          removalPatch(task.service, { ...task, rule: this.#options.classRule }),
          options,
        );
      case 'gone':
      case 'wait':
        return success;
    }
  }

  async #assign(service: Service, decision: Decision, options: WriteOptions): Promise<ReconcileResult> {
    const { clock, events, finalizer, classRule } = this.#options;
    const { loadBalancerClass } = classRule;
    const announced = this.#options.announced(
      service,
      decision.addresses.map(({ address }) => address),
    );
    const nowMs = clock.date().getTime();
    const patch = statusPatch(service, decision, { nowMs, finalizer, announced, loadBalancerClass });
    const result = await this.#patch(service, patch, options);
    if (result !== written) return result;
    if (options.events !== 'left out')
      for (const event of decisionEvents(service, decision)) events.record(service, event);
    if (announced) this.findings.emit(service, announced);
    return result;
  }

  async #patch(service: Service, patch: ServicePatch | undefined, options: WriteOptions): Promise<ReconcileResult> {
    if (patch === undefined) return success;
    const key = keyOf(service);
    try {
      const waitMs = await this.#options.patcher.patch(service, patch, options);
      if (waitMs > 0) this.waits.emit(key, waitMs);
      return waitMs > 0 ? success : written;
    } catch (error) {
      if (isKubeError(error, 'conflict')) await this.#readAgain(service, options.signal);
      return this.#failed(service, error);
    }
  }

  // The watch may take a while to bring what changed, or bring it as a change that is no reason to look. A list, since
  // the controller has no right to get single Services and needs none.
  async #readAgain({ metadata: { namespace = '', name } }: Service, signal: AbortSignal): Promise<void> {
    const { api, budget } = this.#options;
    const selection = { namespace, fieldSelector: `metadata.name=${name}`, signal };
    try {
      const { items } = await budget.run(() => api.list(services, selection), { signal });
      for (const service of items) this.reads.emit(service);
    } catch (error) {
      // The next try fails as this one did, and is delayed longer.
      classify(error);
    }
  }

  #failed(service: Service, error: unknown): ReconcileResult {
    const result = resultOf(error);
    // Who was put off is tried again beside the others; whether it goes through is not known.
    if (result.kind !== 'error' || isKubeError(error, 'put-off')) return result;
    const message = `status not written: ${messageOf(error)}`;
    this.#options.events.record(service, { type: 'Warning', reason: EVENT_REASONS.updateFailed, message });
    return result;
  }
}
