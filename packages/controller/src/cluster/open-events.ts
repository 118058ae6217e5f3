// SPDX-License-Identifier: Apache-2.0
/** The Events of one term of leadership, written after everything else. */

import { type ApiBudget, EventRecorder, type KubeApi, type KubeError } from '@berth/kube';
import { type Clock, errorFields, type Log } from '@berth/runtime';

export interface EventsOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  /** Counts calls that failed. */
  readonly metrics: { apiFailed(error: KubeError): void };
  readonly identity: string;
}

export function openEvents({ api, clock, log, metrics, identity }: EventsOptions, budget: ApiBudget): EventRecorder {
  return new EventRecorder({
    ...{ api, budget, clock },
    component: 'berth-controller',
    instance: identity,
    onError: (error) => {
      // Best effort, and one line for each would drown the rest, e.g. while a namespace goes.
      metrics.apiFailed(error);
      log.debug('Event not written', errorFields(error));
    },
  });
}
