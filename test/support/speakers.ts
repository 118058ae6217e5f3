// SPDX-License-Identifier: Apache-2.0

// The speakers of a lab with Berth: restarted, killed or frozen, and ready again.

import { setTimeout as wait } from 'node:timers/promises';
import type { Lab } from '../lab/lab.ts';
import { rolledOut } from '../lab/rollout.ts';
import { waitUntil } from '../lab/wait.ts';
import { BERTH_NAMESPACE } from './workload.ts';

const READY_TIMEOUT_MS = 60_000;

/** Waits until every node is Ready, and every speaker. */
export async function allNodesReady(lab: Lab): Promise<void> {
  await lab.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=60s']);
  await waitUntil({
    what: 'every speaker to be ready',
    timeoutMs: READY_TIMEOUT_MS,
    probe: async () => {
      const path = '{.status.numberReady} {.status.desiredNumberScheduled}';
      const counts = await lab.kubectl([
        'get',
        'daemonset',
        'speaker',
        '-n',
        BERTH_NAMESPACE,
        '-o',
        `jsonpath=${path}`,
      ]);
      const [ready, desired] = counts.split(' ');
      return ready === desired;
    },
  });
}

/** Deletes the speaker's pod of a node, which then ends in order, and waits until the next one is ready. */
export async function restartSpeaker(lab: Lab, node: string): Promise<void> {
  await lab.kubectl(['delete', 'pod', ...speakerOf(node), '--timeout=60s']);
  await allNodesReady(lab);
}

/** Kills the speaker's process, and waits until its container was started again and is ready. */
export async function killSpeaker(lab: Lab, node: string): Promise<void> {
  const path = '{range .items[0].status.containerStatuses[?(@.name=="speaker")]}{.restartCount} {.ready}{end}';
  const look = () => lab.kubectl(['get', 'pod', ...speakerOf(node), '-o', `jsonpath=${path}`]);
  const before = Number((await look()).split(' ')[0]);
  await lab.kill(node);
  await waitUntil({
    what: `the speaker of ${node} to be started again`,
    timeoutMs: READY_TIMEOUT_MS,
    probe: async () => {
      const [restarts, isReady] = (await look()).split(' ');
      return Number(restarts) > before && isReady === 'true';
    },
    explain: look,
  });
}

/** Freezes the speaker's process for a while, and waits until all are ready. */
export async function freezeSpeaker(lab: Lab, node: string, forMs: number): Promise<void> {
  await lab.freeze(node);
  try {
    await wait(forMs);
  } finally {
    await lab.thaw(node);
  }
  await allNodesReady(lab);
}

/** Sets or, with `NAME-`, removes options of all speakers, as `kubectl set env` does; waits until all run with them. */
export async function setSpeakerOptions(lab: Lab, ...options: readonly string[]): Promise<void> {
  await lab.kubectl(['-n', BERTH_NAMESPACE, 'set', 'env', 'daemonset/speaker', ...options]);
  await speakersRolledOut(lab);
}

/** Replaces all speakers, one after the other. */
export async function upgradeSpeakers(lab: Lab): Promise<void> {
  await lab.kubectl(['-n', BERTH_NAMESPACE, 'rollout', 'restart', 'daemonset/speaker']);
  await speakersRolledOut(lab);
}

export async function speakersRolledOut(lab: Lab): Promise<void> {
  await rolledOut(lab, 'daemonset/speaker', BERTH_NAMESPACE);
}

/** How often speakers fell silent by themselves, or were missed, by what those that run now have logged. */
export async function silencesOf(lab: Lab): Promise<number> {
  const selector = ['-l', 'app.kubernetes.io/component=speaker', '--prefix', '--tail=-1'];
  const logs = await lab.kubectl(['-n', BERTH_NAMESPACE, 'logs', ...selector]);
  return [...logs.matchAll(/"phase":"listening"|"why":"silent"/g)].length;
}

/** For kubectl: selects the speaker's pod of a node. */
export function speakerOf(node: string): readonly string[] {
  const selector = ['-l', 'app.kubernetes.io/component=speaker'];
  return ['-n', BERTH_NAMESPACE, ...selector, '--field-selector', `spec.nodeName=${node}`];
}
