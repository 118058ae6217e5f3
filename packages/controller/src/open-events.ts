// SPDX-License-Identifier: Apache-2.0
/** The Events of one term of leadership, written after everything else. */
import { errorFields, type Log } from '@berth/daemon';
import { type ApiBudget, type Clock, EventRecorder, type KubeApi } from '@berth/kube';
import type { Metrics } from './metrics.ts';

export interface EventsOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'apiFailed'>;
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
