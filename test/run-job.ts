// SPDX-License-Identifier: Apache-2.0

// Runs one job of `npm test` in a process of its own. Beside others each line that it prints begins with the job's
// name.

import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import type { Job } from './jobs.ts';

/** `low`: the job takes what processes of usual importance leave of the processor. */
export type Importance = 'usual' | 'low';

export interface RunOptions {
  readonly importance: Importance;
  /** Whether nothing else prints at the same time: lines are passed on as they are. */
  readonly isAlone: boolean;
}

/** Resolves with the exit code, or the name of the signal, with which the job ended. */
export async function runJob(job: Pick<Job, 'name' | 'needs' | 'argv'>, options: RunOptions): Promise<number | string> {
  console.log(`\n== ${job.name} (needs ${job.needs}) ==`);
  const output = options.isAlone ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, job.argv, { stdio: ['ignore', output, output] });
  if (options.importance === 'low' && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on('line', (line) => console.log(`${job.name} | ${line}`));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });
}
