// SPDX-License-Identifier: Apache-2.0
/** Reads all that is known of a cluster: for commands that ask who could answer for what. */
import { type ClusterFacts, hasMovingVip, readCluster } from '@berth/core';
import { endpointSlices, type KubeApi, leases } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import { listAll, listPoolObjects } from './cluster-state.ts';
import type { ClusterOptions } from './operation.ts';
import { waitFor } from './waiting.ts';

/** So long at most a VIP is waited for that is on its way, in seconds: after that the controller says so. */
const MOVED_WITHIN_SECONDS = 3;
const LOOK_AGAIN_MS = 500;

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

/** As {@link readFacts}; while a VIP is on its way from one node to the next, that is not the moment to look. */
export async function readSettledFacts(api: KubeApi, cluster: ClusterOptions, clock: Clock): Promise<ClusterFacts> {
  const settled = await waitFor(
    async () => {
      const facts = await readFacts(api, cluster, clock);
      return hasMovingVip(facts) ? undefined : facts;
    },
    { clock, timeoutSeconds: MOVED_WITHIN_SECONDS, everyMs: LOOK_AGAIN_MS },
  );
  return settled ?? readFacts(api, cluster, clock);
}
