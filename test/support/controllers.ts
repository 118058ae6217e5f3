// SPDX-License-Identifier: Apache-2.0

// The controllers of a lab with Berth: how many run, and which one leads.

import type { Lab } from '../lab/lab.ts';
import { rolledOut } from '../lab/rollout.ts';
import { waitUntil } from '../lab/wait.ts';
import { BERTH_NAMESPACE } from './workload.ts';

const LEAD_TIMEOUT_MS = 60_000;

/** Sets how many controllers run, and waits until they do: for none until all are gone, for some until one leads. */
export async function scaleControllers(lab: Lab, replicas: number): Promise<void> {
  await lab.kubectl(['-n', BERTH_NAMESPACE, 'scale', 'deployment/controller', `--replicas=${replicas}`]);
  await rolledOut(lab, 'deployment/controller', BERTH_NAMESPACE);
  await waitUntil({
    what: replicas === 0 ? 'no controller to run' : 'a controller to lead',
    timeoutMs: LEAD_TIMEOUT_MS,
    probe: async () => {
      const names = await controllers(lab);
      return replicas === 0 ? names.length === 0 : names.includes(await leader(lab));
    },
    explain: async () => `${(await controllers(lab)).join(', ')}; the Lease says '${await leader(lab)}'`,
  });
}

/** Names of the pods, also of those that end. */
async function controllers(lab: Lab): Promise<string[]> {
  const selector = ['-l', 'app.kubernetes.io/component=controller'];
  const path = 'jsonpath={.items[*].metadata.name}';
  const names = await lab.kubectl(['-n', BERTH_NAMESPACE, 'get', 'pods', ...selector, '-o', path]);
  return names.split(' ').filter((name) => name !== '');
}

function leader(lab: Lab): Promise<string> {
  const path = 'jsonpath={.spec.holderIdentity}';
  return lab.kubectl(['-n', BERTH_NAMESPACE, 'get', 'lease', 'controller', '-o', path]);
}
