// SPDX-License-Identifier: Apache-2.0
/** The cluster's side of the speaker: what is read from the API server and what is written to it. */

import { createHash } from 'node:crypto';
import { ApiBudget, type ApiCall, type ClusterAccess, EventRecorder, findAccess, KubeClient } from '@berth/kube';
import { errorFields, Signal } from '@berth/runtime';
import type { ProcessParts } from '../config.ts';
import { EndpointWatch } from './endpoint-watch.ts';
import { HeartbeatCredentials } from './heartbeat-credentials.ts';
import { PoolSource } from './pool-source.ts';
import { Refresh } from './refresh.ts';
import type { SavedState, StateOwner } from './saved-state.ts';
import { StateFile } from './state-file.ts';
import { Watches } from './watches.ts';

/** Events are written two at a time; no one waits for them. */
const EVENTS_AT_ONCE = 2;

export interface Cluster {
  readonly api: KubeClient;
  /** Services, nodes, endpoints or the accepted configuration have changed. */
  readonly news: Signal;
  readonly watches: Watches;
  readonly endpoints: EndpointWatch;
  readonly refresh: Refresh;
  readonly pools: PoolSource;
  readonly events: EventRecorder;
  readonly credentials: HeartbeatCredentials;
  /** Undefined where no folder was given for it. */
  readonly stateFile: StateFile | undefined;
}

export interface ClusterParts extends ProcessParts {
  /** Called with each call of the API server that has ended. */
  apiCalled(call: ApiCall): void;
}

/** Puts the parts together; nothing is read before `watches.start()`. */
export async function openCluster(parts: ClusterParts): Promise<Cluster> {
  const { config, log, clock, apiCalled } = parts;
  const access = await findAccess(clock, { kubeconfig: config.kubeconfig });
  const api = new KubeClient({ access, clock, userAgent: 'berth-speaker', onCall: apiCalled });
  const news = new Signal();
  const budget = new ApiBudget({ clock, maxConcurrency: EVENTS_AT_ONCE });
  const watches = new Watches({ api, clock, namespace: config.namespace });
  watches.changes.subscribe(() => news.emit());
  watches.failures.subscribe((what, error, retryInMs) =>
    log.warn('watch failed', { what, retryInMs, ...errorFields(error) }),
  );
  const endpoints = new EndpointWatch({ api, clock });
  endpoints.changes.subscribe(() => news.emit());
  endpoints.failures.subscribe((error, retryInMs) =>
    log.warn('watch failed', { what: 'endpoints', retryInMs, ...errorFields(error) }),
  );
  watches.services.subscribe(({ object: { spec } }) => {
    if (spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local') endpoints.begin();
  });
  const credentials = new HeartbeatCredentials({ api, clock, log, namespace: config.namespace });
  const stateFile = openStateFile(parts, {
    server: await serverDigest(access),
    state: () => stateOf(watches, endpoints, credentials),
  });
  if (stateFile) news.subscribe(() => stateFile.changed());
  const relist = async () => {
    await Promise.all([watches.relist(), endpoints.relist()]);
  };
  const refresh = new Refresh({ clock, relist });
  refresh.impatience.subscribe(() => log.warn('API server does not answer: going on with what is known'));
  const pools = new PoolSource();
  pools.refusals.subscribe((problems) =>
    log.error('pool configuration refused, the last good one stays', { problems }),
  );
  return {
    ...{ api, news, watches, endpoints, credentials, stateFile, refresh, pools },
    events: new EventRecorder({ api, budget, clock, component: 'berth-speaker', instance: config.nodeName }),
  };
}

interface StateParts {
  /** What tells this API server from others. */
  readonly server: string;
  state(): SavedState | undefined;
}

function openStateFile(
  { config: { stateFolder, nodeName, namespace }, clock, log }: ProcessParts,
  { server, state }: StateParts,
): StateFile | undefined {
  if (stateFolder === undefined) return undefined;
  const owner: StateOwner = { node: nodeName, namespace, server };
  return new StateFile({ folder: stateFolder, owner, clock, log, state });
}

/** What the API server has said; undefined while it has not said everything in this process. */
function stateOf(
  watches: Watches,
  endpoints: EndpointWatch,
  credentials: HeartbeatCredentials,
): SavedState | undefined {
  const clusterId = credentials.confirmedClusterId;
  if (!watches.hasSynced || clusterId === undefined) return undefined;
  return { clusterId, ...watches.known, slices: endpoints.known };
}

async function serverDigest(access: ClusterAccess): Promise<string> {
  const { tls } = await access.credentials();
  return createHash('sha256')
    .update(tls.ca ?? access.server)
    .digest('hex');
}
