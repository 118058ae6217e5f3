// SPDX-License-Identifier: Apache-2.0
/** Logs what an edit of the pools means for the Services that exist: the report of `kubectl berth preview`, when it comes true. */
import {
  isOurs,
  type LoadBalancerClassRule,
  type PoolConfig,
  previewConfig,
  readServiceRequest,
  type ServiceOutlook,
  type Surroundings,
} from '@berth/core';
import { errorFields, type Log } from '@berth/daemon';
import { type Clock, KubeError } from '@berth/kube';
import type { ClusterView } from './cluster-view.ts';
import type { Ledger } from './ledger.ts';

/** Services that are named per list; the rest is counted. */
const MAX_NAMED = 20;

export interface PoolPreviewOptions {
  readonly view: ClusterView;
  readonly ledger: Ledger;
  readonly classRule: LoadBalancerClassRule;
  readonly clock: Clock;
  readonly log: Log;
}

export class PoolPreview {
  readonly #options: PoolPreviewOptions;

  constructor(options: PoolPreviewOptions) {
    this.#options = options;
  }

  /** Compares two configurations; `namespaces` are those of now. An API server that does not answer costs only the report. */
  async tell(old: PoolConfig, next: Surroundings, signal: AbortSignal): Promise<void> {
    const { ledger, clock, log } = this.#options;
    try {
      const state = {
        ledger: await ledger.peek(signal),
        requests: this.#requests(),
        namespaces: next.namespaces,
        nowMs: clock.date().getTime(),
      };
      const { stranded, recovered, gaining, waiting, staying } = previewConfig(old, next.config, state);
      const lists = { stranded: named(stranded), recovered: named(recovered), gaining: named(gaining) };
      log.info('pool configuration applied', { ...lists, waiting: named(waiting), staying });
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      log.debug('no report about the new pool configuration', errorFields(error));
    }
  }

  #requests() {
    const { view, classRule } = this.#options;
    const ours = [...view.services.values()].filter(
      (service) => isOurs(service, classRule) && service.metadata.deletionTimestamp === undefined,
    );
    return ours.flatMap((service) => readServiceRequest(service) ?? []);
  }
}

function named(outlooks: readonly ServiceOutlook[]): unknown {
  const names = outlooks.slice(0, MAX_NAMED).map(({ service, reason }) => `${service} (${reason})`);
  return { count: outlooks.length, ...(names.length > 0 && { services: names }) };
}
