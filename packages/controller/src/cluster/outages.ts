// SPDX-License-Identifier: Apache-2.0
/**
 * What cannot be written: since when the ledger cannot, and the statuses of which Services. Says so where people look.
 */

import { EVENT_REASONS } from '@berth/core';
import type { Service } from '@berth/kube';
import { type EventRecorder, isKubeError, KubeError, messageOf } from '@berth/kube';
import { type Clock, errorFields, type Log } from '@berth/runtime';

/** A ledger that cannot be written for so long is reported on the Services that wait for it, in milliseconds. */
const PATIENCE_MS = 60_000;

/** So often the log repeats that the ledger cannot be written, in milliseconds. */
const LOG_EVERY_MS = 60_000;

export interface OutagesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly metrics: { apiFailed(error: KubeError): void };
  /** Services that wait for a write of the ledger: for an address, or to be released. */
  waiting(): readonly Service[];
}

export class Outages {
  readonly #options: OutagesOptions;
  #ledgerSinceMs: number | undefined;
  #loggedMs = Number.NEGATIVE_INFINITY;
  readonly #services = new Set<string>();

  constructor(options: OutagesOptions) {
    this.#options = options;
  }

  /** How many Services wait for a write that fails, by what cannot be written. */
  unwritable(): ReadonlyMap<'ledger' | 'status', number> {
    return new Map([
      ['ledger', this.#ledgerSinceMs === undefined ? 0 : this.#options.waiting().length],
      ['status', this.#services.size],
    ]);
  }

  ledgerFailed(error: unknown, retryInMs: number): void {
    const { clock, log, events } = this.#options;
    this.#count(error);
    const nowMs = clock.now();
    this.#ledgerSinceMs ??= nowMs;
    if (nowMs - this.#loggedMs >= LOG_EVERY_MS) {
      this.#loggedMs = nowMs;
      log.error('ledger cannot be read or written', { retryInMs, ...errorFields(error) });
    }
    if (nowMs - this.#ledgerSinceMs < PATIENCE_MS) return;
    const message = `no address is given or freed, since the ledger cannot be written: ${messageOf(error)}`;
    for (const service of this.#options.waiting()) {
      events.record(service, { type: 'Warning', reason: EVENT_REASONS.ledgerUnwritable, message });
    }
  }

  ledgerWorks(): void {
    if (this.#ledgerSinceMs !== undefined) this.#options.log.info('ledger can be written again');
    this.#ledgerSinceMs = undefined;
    this.#loggedMs = Number.NEGATIVE_INFINITY;
  }

  /** A status was not written; its Event is the writer's. */
  statusFailed(service: string, error: unknown): void {
    this.#count(error);
    this.#services.add(service);
  }

  statusWorks(service: string): void {
    this.#services.delete(service);
  }

  #count(error: unknown): void {
    if (error instanceof KubeError && !isKubeError(error, 'conflict')) this.#options.metrics.apiFailed(error);
  }
}
