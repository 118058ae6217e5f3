// SPDX-License-Identifier: Apache-2.0

// The one cluster that all end-to-end tests share: three nodes, Berth from this tree, a pool of the LAN, three web
// pods. The first test that asks for it brings it up; the root hook takes it down.

import { installBerth } from '../lab/berth.ts';
import { Lab } from '../lab/lab.ts';
import { applyObjects, deployWeb, poolsConfigMap } from '../support/workload.ts';

/** Two runs at a time need two names. */
const NAME = process.env.BERTH_E2E_LAB ?? 'e2e';
/** Three rollouts may take four minutes each. */
const UP_TIMEOUT_MS = 900_000;

/** The name of a lab beside the shared one, for one test file alone. */
export function besideCluster(what: string): string {
  return `${NAME}-${what}`;
}

let shared: Promise<Lab> | undefined;

/** Returns the shared cluster, for use in a `before` hook with `timeout(clusterTimeoutMs)`. */
export function cluster(): Promise<Lab> {
  shared ??= bringUp();
  return shared;
}

export const clusterTimeoutMs = UP_TIMEOUT_MS;

async function bringUp(): Promise<Lab> {
  const lab = await Lab.up({ name: NAME, nodes: 3, family: 'dual' });
  await installBerth(lab);
  await applyObjects(lab, poolsConfigMap(lab.plan.pools));
  await deployWeb(lab, 3);
  return lab;
}

/** Deletes Services and waits until they are gone, so that no test sees those of another. */
export async function deleteServices(lab: Lab, ...names: string[]): Promise<void> {
  await lab.kubectl(['delete', 'service', ...names, '--ignore-not-found', '--timeout=120s']);
}

after(async function takeDown() {
  this.timeout(60_000);
  if (shared !== undefined) await Lab.down(NAME);
});
