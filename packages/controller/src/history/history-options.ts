// SPDX-License-Identifier: Apache-2.0
/** What the history needs from the controller. */
import type { MoveWhy } from '@berth/core';
import type { KubeApi } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import type { ApiOutages } from '../cluster/api-outages.ts';
import type { ClusterView } from '../cluster/cluster-view.ts';

/** Why nothing can be written. */
export type HistoryObstacle = { readonly kind: 'foreign' } | { readonly kind: 'newer'; readonly version: number };

export interface HistoryKeeperOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly view: Pick<ClusterView, 'nodeStates' | 'services' | 'configMaps'>;
  readonly namespace: string;
  /** Of this replica. */
  readonly identity: string;
  /** Why no one answers for an address of a Service, by its condition; undefined: nothing is said yet. */
  whySilent(service: string): MoveWhy | undefined;
  readonly outages: Pick<ApiOutages, 'isOpen' | 'take'>;
}
