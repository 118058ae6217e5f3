// SPDX-License-Identifier: Apache-2.0
/** The history of one term of leadership, with all that is said about it. */
import { EVENT_REASONS, HISTORY_MAP, type MoveWhy } from '@berth/core';
import { type EventRecorder, type KubeApi, KubeError } from '@berth/kube';
import { type Clock, errorFields, type Log } from '@berth/runtime';
import type { ApiOutages } from '../cluster/api-outages.ts';
import type { ClusterView } from '../cluster/cluster-view.ts';
import { HistoryKeeper } from './history-keeper.ts';
import type { HistoryObstacle } from './history-options.ts';

export interface HistoryParts {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly log: Log;
  readonly metrics: { apiFailed(error: KubeError): void; historyWritten(): void };
  readonly namespace: string;
  readonly identity: string;
  readonly outages: ApiOutages;
  readonly events: Pick<EventRecorder, 'record'>;
  whySilent(service: string): MoveWhy | undefined;
}

export function openHistory(parts: HistoryParts): HistoryKeeper {
  const { log, metrics, events, namespace } = parts;
  const warn = (reason: string, message: string) => {
    log.warn(message, { configMap: HISTORY_MAP });
    const metadata = { namespace, name: HISTORY_MAP };
    events.record({ apiVersion: 'v1', kind: 'ConfigMap', metadata }, { type: 'Warning', reason, message });
  };
  const keeper = new HistoryKeeper(parts);
  keeper.written.subscribe(() => metrics.historyWritten());
  keeper.obstacles.subscribe((obstacle) => warn(EVENT_REASONS.historyNotKept, textOf(obstacle)));
  keeper.damages.subscribe((problem) =>
    warn(EVENT_REASONS.historyDamaged, `the history could not be read and begins anew: ${problem}`),
  );
  keeper.failures.subscribe((error, retryInMs) => {
    if (error instanceof KubeError) metrics.apiFailed(error);
    log.warn('history not written', { retryInMs, ...errorFields(error) });
  });
  return keeper;
}

function textOf(obstacle: HistoryObstacle): string {
  return obstacle.kind === 'foreign'
    ? `no history is kept: this ConfigMap is not Berth's (it has no label berth.dev/part=${HISTORY_MAP}) and is left alone`
    : `no history is kept: this ConfigMap is of a newer version of Berth (format ${obstacle.version}) and is left alone`;
}
