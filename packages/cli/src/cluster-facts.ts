// SPDX-License-Identifier: Apache-2.0
/** Reads all that is known of a cluster: for commands that ask who could answer for what. */
import { type ClusterFacts, readCluster } from '@berth/core';
import { endpointSlices, type KubeApi, leases } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import { listAll, listPoolObjects } from './cluster-state.ts';
import type { ClusterOptions } from './operation.ts';

/** Everything, judged when it is there: the answers tell what time it is in the cluster. */
export async function readFacts(
  api: KubeApi,
  cluster: ClusterOptions,
  clock: Pick<Clock, 'date'>,
): Promise<ClusterFacts> {
  const [objects, allLeases, slices] = await Promise.all([
    listPoolObjects(api, cluster),
    listAll(api, leases, cluster.berthNamespace),
    listAll(api, endpointSlices),
  ]);
  const { berthNamespace } = cluster;
  const nowMs = clock.date().getTime();
  return readCluster({ ...objects, nowMs, berthNamespace, leases: allLeases, endpointSlices: slices });
}
