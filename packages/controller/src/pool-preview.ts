// SPDX-License-Identifier: Apache-2.0
/** Logs what an edit of the pools means for the Services that exist: the report of `kubectl berth preview`, when it comes true. */
import {
  type Allocator,
  encodeRecord,
  entryKeyOf,
  isOurs,
  LEDGER_NAME,
  type LedgerObject,
  type LoadBalancerClassRule,
  type PoolConfig,
  previewConfig,
  readServiceRequest,
  type ServiceOutlook,
  type Surroundings,
} from '@berth/core';
import type { Log } from '@berth/daemon';
import type { Clock } from '@berth/kube';
import type { ClusterView } from './cluster-view.ts';

/** Services that are named per list; the rest is counted. */
const MAX_NAMED = 20;

export interface PoolPreviewOptions {
  readonly view: ClusterView;
  readonly allocator: Allocator;
  readonly classRule: LoadBalancerClassRule;
  readonly clock: Clock;
  readonly log: Log;
}

export class PoolPreview {
  readonly #options: PoolPreviewOptions;

  constructor(options: PoolPreviewOptions) {
    this.#options = options;
  }

  /** Compares two configurations, before the new one takes effect. */
  tell(old: PoolConfig, next: Surroundings): void {
    const { clock, log } = this.#options;
    const state = {
      ledger: [this.#ledger()],
      requests: this.#requests(),
      namespaces: next.namespaces,
      nowMs: clock.date().getTime(),
    };
    const { stranded, recovered, gaining, waiting, staying } = previewConfig(old, next.config, state);
    const lists = { stranded: named(stranded), recovered: named(recovered), gaining: named(gaining) };
    log.info('pool configuration applied', { ...lists, waiting: named(waiting), staying });
  }

  /** What the allocator knows, as one object of the ledger: a report needs neither versions nor shelves. */
  #ledger(): LedgerObject {
    const records = [...this.#options.allocator.table.records()];
    const data = Object.fromEntries(records.map((record) => [entryKeyOf(record.address), encodeRecord(record)]));
    return { name: LEDGER_NAME, resourceVersion: '', isSealed: false, data };
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
