// SPDX-License-Identifier: Apache-2.0

// Nodes that have a speaker, chosen by a label, so that one can leave and join.

import type { Lab } from '../test/lab/lab.ts';
import { waitUntil } from '../test/lab/wait.ts';
import { allNodesReady, speakerOf, speakersRolledOut } from '../test/support/speakers.ts';
import { BERTH_NAMESPACE } from '../test/support/workload.ts';

const LABEL = 'example.com/berth';
const GONE_TIMEOUT_MS = 60_000;

/** Gives every node the label, and lets speakers run on nodes that have it alone. */
export async function chooseNodes(lab: Lab): Promise<void> {
  await chooseAll(lab);
  const patch = { spec: { template: { spec: { nodeSelector: { [LABEL]: 'yes' } } } } };
  await lab.kubectl(['-n', BERTH_NAMESPACE, 'patch', 'daemonset/speaker', '--patch', JSON.stringify(patch)]);
  await speakersRolledOut(lab);
}

/** Every node has a speaker again. */
export async function chooseAll(lab: Lab): Promise<void> {
  await lab.kubectl(['label', 'node', '--all', `${LABEL}=yes`, '--overwrite']);
}

/** The speaker of a node ends in order. Wants {@link chooseNodes}. */
export async function leave(lab: Lab, node: string): Promise<void> {
  await lab.kubectl(['label', 'node', node, `${LABEL}-`]);
  await waitUntil({
    what: `the speaker of ${node} to be gone`,
    timeoutMs: GONE_TIMEOUT_MS,
    probe: async () => (await lab.kubectl(['get', 'pod', ...speakerOf(node), '-o', 'name'])) === '',
  });
}

export async function join(lab: Lab, node: string): Promise<void> {
  await lab.kubectl(['label', 'node', node, `${LABEL}=yes`, '--overwrite']);
  await allNodesReady(lab);
}
