// SPDX-License-Identifier: Apache-2.0

// What can happen to the programs of a node: frozen, as under a debugger or a
// starved machine, or killed. The node's kernel lives on in both: what a
// speaker left there would still answer, which is just what tests look for.

import { commandLineOf, isKubeProxy, isSpeaker, processesOfHost, processesOfLab } from './members.ts';
import { signalProcess } from './processes.ts';
import type { LabPaths } from './state.ts';

/** The speaker alone, kube-proxy alone, or everything that runs on the node. */
export type FaultTarget = 'speaker' | 'kube-proxy' | 'node';

export type Fault = 'freeze' | 'thaw' | 'kill';

export const FAULT_TARGETS: readonly FaultTarget[] = ['speaker', 'kube-proxy', 'node'];

const SIGNALS = { freeze: 'SIGSTOP', thaw: 'SIGCONT', kill: 'SIGKILL' } as const;

/** Ids of the processes that a fault would hit. */
export async function processesHit(paths: LabPaths, host: string, target: FaultTarget): Promise<number[]> {
  const all = await processesOfHost(paths, host);
  if (target === 'node') return all;
  const isTarget = target === 'speaker' ? isSpeaker : isKubeProxy;
  const are = await Promise.all(all.map(async (pid) => isTarget(await commandLineOf(pid))));
  return all.filter((_, position) => are[position]);
}

/** Lets every process of the lab go on; one that was not frozen does not notice. */
export async function thawAll(paths: LabPaths): Promise<void> {
  for (const pid of await processesOfLab(paths)) signalProcess(pid, SIGNALS.thaw);
}

/** Signals the processes of a target. Rejects when there is none: a fault that hits nothing proves nothing. */
export async function inflict(fault: Fault, paths: LabPaths, at: { host: string; target: FaultTarget }): Promise<void> {
  const pids = await processesHit(paths, at.host, at.target);
  if (pids.length === 0) throw new Error(`lab: ${fault} ${at.target} on ${at.host}: no such process runs there`);
  for (const pid of pids) signalProcess(pid, SIGNALS[fault]);
}
