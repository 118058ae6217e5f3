// SPDX-License-Identifier: Apache-2.0
/** Brings a Service in line with what the ledger says: one patch of its status, then the Events that tell about it. */
import {
  type AnnouncedVerdict,
  type Decision,
  decisionEvents,
  type IpAddress,
  removalPatch,
  type ServicePatch,
  statusPatch,
} from '@berth/core';
import {
  type ApiBudget,
  type Clock,
  type EventRecorder,
  isKubeError,
  type KubeApi,
  messageOf,
  type ReconcileResult,
  resultOf,
  type Service,
  services,
  success,
} from '@berth/kube';
import type { Verdict } from './allocation.ts';

export interface ServiceWriterOptions {
  readonly api: KubeApi;
  readonly budget: ApiBudget;
  readonly events: EventRecorder;
  readonly clock: Clock;
  /** Whether Services with an address carry our finalizer. */
  readonly finalizer: boolean;
  /** What to say about who announces these addresses; goes with a patch that is made anyway. */
  announced(service: Service, addresses: readonly IpAddress[]): AnnouncedVerdict | undefined;
  /** Told what the Service is after a patch. */
  onPatch(patched: Service): void;
}

export class ServiceWriter {
  readonly #options: ServiceWriterOptions;

  constructor(options: ServiceWriterOptions) {
    this.#options = options;
  }

  /** Writes what is missing on one Service; no call at all when nothing is. */
  async write(verdict: Verdict, signal: AbortSignal): Promise<ReconcileResult> {
    switch (verdict.kind) {
      case 'assign':
        return this.#assign(verdict.service, verdict.decision, signal);
      case 'remove':
        return this.#patch(verdict.service, removalPatch(verdict.service, verdict), signal);
      case 'gone':
      case 'wait':
        return success;
    }
  }

  async #assign(service: Service, decision: Decision, signal: AbortSignal): Promise<ReconcileResult> {
    const { clock, events, finalizer } = this.#options;
    const announced = this.#options.announced(
      service,
      decision.addresses.map(({ address }) => address),
    );
    const patch = statusPatch(service, decision, { nowMs: clock.date().getTime(), finalizer, announced });
    const result = await this.#patch(service, patch, signal);
    if (result === success && patch)
      for (const event of decisionEvents(service, decision)) events.record(service, event);
    return result;
  }

  async #patch(service: Service, patch: ServicePatch | undefined, signal: AbortSignal): Promise<ReconcileResult> {
    if (patch === undefined) return success;
    const { api, budget, onPatch } = this.#options;
    const { namespace = '', name } = service.metadata;
    const options = { subresource: 'status', signal } as const;
    const call = () => api.patch(services, { namespace, name }, { type: 'merge', body: patch }, options);
    try {
      onPatch(await budget.run(call, { signal }));
      return success;
    } catch (error) {
      return this.#failed(service, error);
    }
  }

  #failed(service: Service, error: unknown): ReconcileResult {
    const result = resultOf(error);
    // A conflict says that the Service has just changed; the watch brings the new state, and with it the next try.
    if (result === success || isKubeError(error, 'conflict')) return result;
    const message = `status not written: ${messageOf(error)}`;
    this.#options.events.record(service, { type: 'Warning', reason: 'UpdateFailed', message });
    return result;
  }
}
