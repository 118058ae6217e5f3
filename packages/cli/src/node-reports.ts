// SPDX-License-Identifier: Apache-2.0
/** What the nodes say of themselves, read from their Leases. */
import { type DatedReport, NODE_STATE_LABEL, nodeReportsOf } from '@berth/core';
import { type KubeApi, leases } from '@berth/kube';
import type { Clock } from '@berth/runtime';

/**
 * All reports, in the order of the nodes' names, judged when they are there: the answer tells what time it is in the
 * cluster.
 */
export async function readReports(
  api: KubeApi,
  namespace: string,
  clock: Pick<Clock, 'date'>,
): Promise<readonly DatedReport[]> {
  const { items } = await api.list(leases, { namespace, labelSelector: NODE_STATE_LABEL });
  return nodeReportsOf(items, clock.date().getTime());
}
