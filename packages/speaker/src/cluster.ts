// SPDX-License-Identifier: Apache-2.0
/** The cluster's side of the speaker: what is read from the API server and what is told to it. */

import { errorFields, type Log } from '@berth/daemon';
import { ApiBudget, EventRecorder, findAccess, KubeClient, systemClock } from '@berth/kube';
import type { SpeakerConfig } from './config.ts';
import { EndpointWatch } from './endpoint-watch.ts';
import { HeartbeatCredentials } from './heartbeat-credentials.ts';
import { PoolSource } from './pool-source.ts';
import { Refresh } from './refresh.ts';
import { Watches } from './watches.ts';

/** Events are written two at a time; nobody waits for them. */
const EVENTS_AT_ONCE = 2;

export interface Cluster {
  readonly api: KubeClient;
  readonly watches: Watches;
  readonly endpoints: EndpointWatch;
  readonly refresh: Refresh;
  readonly pools: PoolSource;
  readonly events: EventRecorder;
  readonly credentials: HeartbeatCredentials;
}

/** Puts the parts together; nothing is read before `watches.start()`. */
export async function openCluster(config: SpeakerConfig, log: Log, onChange: () => void): Promise<Cluster> {
  const clock = systemClock;
  const api = new KubeClient({ access: await findAccess(config.kubeconfig), userAgent: 'berth-speaker' });
  const budget = new ApiBudget({ maxConcurrency: EVENTS_AT_ONCE });
  const watches = new Watches({
    api,
    clock,
    namespace: config.namespace,
    onChange,
    onError: (what, error, retryInMs) => log.warn('watch failed', { what, retryInMs, ...errorFields(error) }),
  });
  const endpoints = new EndpointWatch({
    api,
    clock,
    onChange,
    onError: (error, retryInMs) => log.warn('watch failed', { what: 'endpoints', retryInMs, ...errorFields(error) }),
  });
  watches.services.subscribe(({ object: { spec } }) => {
    if (spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local') endpoints.begin();
  });
  return {
    api,
    watches,
    endpoints,
    refresh: new Refresh({
      clock,
      relist: async () => {
        await Promise.all([watches.relist(), endpoints.relist()]);
      },
      onImpatient: () => log.warn('API server does not answer: going on with what is known'),
    }),
    pools: new PoolSource((problems) => log.error('pool configuration refused, the last good one stays', { problems })),
    events: new EventRecorder({ api, budget, component: 'berth-speaker', instance: config.nodeName }),
    credentials: new HeartbeatCredentials({ api, clock, log, namespace: config.namespace }),
  };
}
