// SPDX-License-Identifier: Apache-2.0

// What `blip` wants of the lab: no pod of the application on the node that is cut, or its connections would break
// whoever owns the VIP; and a share of the VIPs on that node.

import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../../test/lab/lab.ts';
import { order } from '../failover/incidents.ts';
import type { Stage } from '../failover/stage.ts';

/** The node that faults happen to. */
export const CUT_NODE = 'node-3';

/** The cut node has a third of the VIPs; with fewer than these a round says little about them. */
const LEAST_VIPS = 5;
/** An order to rebalance moves one VIP a second. */
const REBALANCE_MS = 15_000;
const ATTEMPTS = 6;

/** Moves the application's pods away from the node that is cut. */
export async function makeReady(lab: Lab): Promise<void> {
  const elsewhere = { key: 'kubernetes.io/hostname', operator: 'NotIn', values: [CUT_NODE] };
  const nodeSelectorTerms = [{ matchExpressions: [elsewhere] }];
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
  const patch = { spec: { template: { spec: { affinity } } } };
  await lab.kubectl(['patch', 'deployment/web', '--patch', JSON.stringify(patch)]);
  await lab.kubectl(['rollout', 'status', 'deployment/web', '--timeout=120s']);
}

/** Returns who owns what, once the node that is cut owns enough to lose. */
export async function ownersWithShare(stage: Stage): Promise<Map<string, string>> {
  for (let attempt = 1; ; attempt += 1) {
    const owners = await stage.owners();
    const own = [...owners.values()].filter((node) => node === CUT_NODE).length;
    if (own >= LEAST_VIPS) return owners;
    if (attempt === ATTEMPTS) {
      stage.notes.push(`${CUT_NODE} owned only ${own} VIPs before a round`);
      return owners;
    }
    await order(stage, 'rebalance', {});
    await delay(REBALANCE_MS);
  }
}
