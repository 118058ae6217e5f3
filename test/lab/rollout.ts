// SPDX-License-Identifier: Apache-2.0

// Waits until the pods of a workload are ready, all of them new.

import type { Lab } from './lab.ts';

/** For kubectl and Helm. Long, since where other tests keep a slow machine busy a pod takes minutes to start. */
export const ROLLOUT_TIMEOUT = '240s';

/** Waits for a workload, as in `deployment/web`. */
export async function rolledOut(lab: Lab, workload: string, namespace = 'default'): Promise<void> {
  await lab.kubectl(['rollout', 'status', workload, '--namespace', namespace, `--timeout=${ROLLOUT_TIMEOUT}`]);
}
