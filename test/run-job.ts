// SPDX-License-Identifier: Apache-2.0

// Runs one job of `npm test` in a process of its own. Beside others each line that it prints begins with the job's
// name.

import { spawn } from 'node:child_process';
import { resolve as pathOf } from 'node:path';
import { createInterface } from 'node:readline';
import type { Importance, Job } from './jobs.ts';

/** What a job of each importance is started by. */
const STARTED_BY: Readonly<Record<Importance, readonly string[]>> = {
  usual: [],
  low: ['nice', '-n', '10'],
  idle: ['chrt', '--idle', '0'],
};

/** What spares processor time in thousands of processes. */
const SPARING = {
  // Most of them are Node that reads the same files of TypeScript: what it made of them is kept, and taken again where
  // the file is the same. Coverage counts what ran, and needs it made anew.
  ...(process.env.NODE_V8_COVERAGE === undefined && { NODE_COMPILE_CACHE: pathOf('build/compile-cache') }),
  // Programs in Go, the API server before all, collect garbage four times less often: a seventh less of all that a
  // suite with thousands of Services takes.
  GOGC: '400',
};

export interface RunOptions {
  /** Whether nothing else prints at the same time: lines are passed on as they are. */
  readonly isAlone: boolean;
}

/** Resolves with the exit code, or the name of the signal, with which the job ended. */
export async function runJob(
  job: Pick<Job, 'name' | 'needs' | 'argv' | 'importance'>,
  options: RunOptions,
): Promise<number | string> {
  console.log(`\n== ${job.name} (needs ${job.needs}) ==`);
  const output = options.isAlone ? 'inherit' : 'pipe';
  const [program = '', ...argv] = [...STARTED_BY[job.importance], process.execPath, ...job.argv];
  const child = spawn(program, argv, { stdio: ['ignore', output, output], env: { ...process.env, ...SPARING } });
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on('line', (line) => console.log(`${job.name} | ${line}`));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });
}
