// SPDX-License-Identifier: Apache-2.0
/**
 * Tells that others write the status of a Service that Berth serves: who, what they wrote, and when it is set right
 * again.
 */
import { EVENT_REASONS, givenTo, type LoadBalancerClassRule } from '@berth/core';
import { type EventRecorder, keyOf, type Service } from '@berth/kube';
import type { Log } from '@berth/runtime';
import type { OtherWriter } from '../cluster/other-writer.ts';

export interface UndoneReporterOptions {
  readonly log: Log;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly classRule: LoadBalancerClassRule;
}

export class UndoneReporter {
  readonly #options: UndoneReporterOptions;

  constructor(options: UndoneReporterOptions) {
    this.#options = options;
  }

  /**
   * `waitMs`: until Berth writes again. `writers`: as far as the API server knows them; who only takes away is not
   * among them.
   */
  tell(service: Service, waitMs: number, writers: readonly OtherWriter[]): void {
    const { log, events, classRule } = this.#options;
    const own = givenTo(service, classRule)?.join(' and ') || 'no address';
    const again = waitMs > 0 ? ` and writes that again in ${Math.ceil(waitMs / 1000)} s` : '';
    const message = `${subjectOf(writers)} into the status beside Berth, which gives ${own}${again}: only one of them may serve the Service`;
    log.warn('status is written by somebody else too', { service: keyOf(service), writers, waitMs });
    events.record(
      { ...service, apiVersion: 'v1', kind: 'Service' },
      { type: 'Warning', reason: EVENT_REASONS.secondWriter, message },
    );
  }
}

/** `"k3s" writes 192.0.2.7`, or of several `"k3s" (192.0.2.7) and "kube-vip" (no address) write`. */
function subjectOf(writers: readonly OtherWriter[]): string {
  const [first, ...others] = writers;
  if (first === undefined) return 'somebody else writes';
  if (others.length === 0) return `"${first.manager}" writes ${first.shown}`;
  return `${writers.map(({ manager, shown }) => `"${manager}" (${shown})`).join(' and ')} write`;
}
