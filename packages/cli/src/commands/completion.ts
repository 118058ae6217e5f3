// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth completion SHELL`: the script that a shell sources; and `__complete`, which that script asks. */
import { parseCommandLine, programFor } from '../command-line.ts';
import { type Candidate, completionOf, matching } from '../completion/completion.ts';
import { liveNames } from '../completion/live-names.ts';
import { COMPLETION_SCRIPTS } from '../completion/scripts.ts';
import { type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';

/** Somebody waits at a prompt, in milliseconds. */
const ANSWER_WITHIN_MS = 2_000;

export function completion({ shell }: Extract<Operation, { kind: 'completion' }>, { out }: Environment): number {
  out(COMPLETION_SCRIPTS[shell]);
  return EXIT.ok;
}

/** Says nothing of what goes wrong: whoever presses tab has asked for no message. */
export async function complete(
  { words }: Extract<Operation, { kind: 'complete' }>,
  environment: Environment,
): Promise<number> {
  const { prefix, candidates, live, isFile, programOptions } = completionOf(programFor(), words);
  const names = live === undefined ? [] : await named(live, programOptions, environment).catch(() => []);
  const all = [...candidates, ...matching(names, prefix)].sort((a, b) => (a.value < b.value ? -1 : 1));
  // Shells show the description up to the end of the line.
  const lines = all.map(({ value, description }) => `${value}\t${description.replaceAll(/\s+/g, ' ')}\n`);
  environment.out(`${lines.join('')}:${isFile ? 0 : 4}\n`);
  return EXIT.ok;
}

async function named(
  kind: Parameters<typeof liveNames>[0],
  programOptions: readonly string[],
  environment: Environment,
): Promise<readonly Candidate[]> {
  const asked = parseCommandLine([...programOptions, 'explain', 'x']);
  if (asked.kind !== 'explain') return [];
  const cluster = { ...asked.cluster, requestTimeoutMs: asked.cluster.requestTimeoutMs ?? ANSWER_WITHIN_MS };
  const { api, namespace } = await environment.connect(cluster);
  return liveNames(kind, { api, namespace: asked.service.namespace ?? namespace, cluster });
}
