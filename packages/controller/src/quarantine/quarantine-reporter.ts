// SPDX-License-Identifier: Apache-2.0
/**
 * Tells what went into quarantine and what left it: in the log, and as Events on the Services or on the pool
 * configuration.
 */
import { EVENT_REASONS, POOL_CONFIG_MAP } from '@berth/core';
import type { EventRecorder, ReadStore, Service } from '@berth/kube';
import type { Log } from '@berth/runtime';
import { describeIsolated, type Isolated, type QuarantineNews } from './quarantines.ts';

/** Addresses that one Event names; the rest is counted. */
const MAX_NAMED = 8;

export interface QuarantineReporterOptions {
  readonly log: Log;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly namespace: string;
  readonly services: Pick<ReadStore<Service>, 'get'>;
}

export class QuarantineReporter {
  readonly #options: QuarantineReporterOptions;

  constructor(options: QuarantineReporterOptions) {
    this.#options = options;
  }

  tell({ isolated, ended }: QuarantineNews): void {
    for (const one of isolated) this.#isolated(one);
    const spare = isolated.filter(({ services }) => services.length === 0).map(describeIsolated);
    if (spare.length > 0) this.#onPools('Warning', EVENT_REASONS.addressInUse, `in quarantine: ${named(spare)}`);
    if (ended.length === 0) return;
    const addresses = ended.map(String);
    this.#options.log.info('quarantine over', { addresses });
    this.#onPools('Normal', EVENT_REASONS.quarantineOver, `no longer in quarantine: ${named(addresses)}`);
  }

  #isolated(one: Isolated): void {
    const { log, events, services } = this.#options;
    const { mac, node, interface: ifname } = one.quarantine;
    log.warn('address in quarantine', {
      ...{ address: String(one.address), mac: String(mac), node, interface: ifname },
      services: one.services,
    });
    const message = `${describeIsolated(one)}; it is in quarantine, and another address is looked for`;
    for (const key of one.services) {
      const service = services.get(key);
      if (service) events.record(service, { type: 'Warning', reason: EVENT_REASONS.addressInUse, message });
    }
  }

  #onPools(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { events, namespace } = this.#options;
    const metadata = { namespace, name: POOL_CONFIG_MAP };
    events.record({ apiVersion: 'v1', kind: 'ConfigMap', metadata }, { type, reason, message });
  }
}

function named(texts: readonly string[]): string {
  const left = texts.length - MAX_NAMED;
  return texts.slice(0, MAX_NAMED).join('; ') + (left > 0 ? `; and ${left} more` : '');
}
