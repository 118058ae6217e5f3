// SPDX-License-Identifier: Apache-2.0

// `npm test [-- GROUP...] [--grep PATTERN]`: lint, every suite, fuzzers and sanitizers, then one closing line.
//
// On CI (CI=true) a skipped test fails the run: a suite that could not run has proved nothing.

import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BACKGROUND, type Job, jobsOf, STAGES, type Stage, type Track } from './jobs.ts';
import { type Importance, runJob } from './run-job.ts';
import { countStates, readResults, resultsFile, type TestResult, timesOf } from './test-results.ts';

/** How many of the slowest tests are named at the end. */
const SLOWEST = 20;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { grep: { type: 'string' } } });
const wanted = jobsOf(positionals).filter(({ part }) => part !== undefined || values.grep === undefined);
const results: TestResult[] = [];
const jobMs = new Map<string, number>();
const startMs = performance.now();

const [first = [], ...rest] = STAGES;
await runStage(first);
const background = runTrack(BACKGROUND, 'low');
for (const stage of rest) await runStage(stage);
await background;

const { passed, failed, skipped } = countStates(results);
const whole = new Map([...jobMs, ['all', performance.now() - startMs]]);
console.log(`\n${timesOf(whole, results, SLOWEST).join('\n')}\n`);
for (const { suite, title } of results.filter(({ state }) => state === 'failed'))
  console.log(`failed: ${suite}: ${title}`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
const skipFails = skipped > 0 && process.env.CI === 'true' && values.grep === undefined;
if (skipFails) console.log('test: on CI a skipped test is a failure');
process.exit(failed > 0 || passed === 0 || skipFails ? 1 : 0);

async function runStage(stage: Stage): Promise<void> {
  await Promise.all(stage.map((track) => runTrack(track, 'usual')));
}

async function runTrack(track: Track, importance: Importance): Promise<void> {
  for (const name of track) {
    const job = wanted.find((one) => one.name === name);
    if (job !== undefined) results.push(...(await timed(job, importance)));
  }
}

async function timed(job: Job, importance: Importance): Promise<TestResult[]> {
  const beganMs = performance.now();
  if (job.part !== undefined) rmSync(resultsFile(job.name), { force: true });
  const grep = job.part === undefined || values.grep === undefined ? [] : ['--grep', values.grep];
  const ended = await runJob({ ...job, argv: [...job.argv, ...grep] }, { importance, isAlone: wanted.length === 1 });
  const durationMs = performance.now() - beganMs;
  jobMs.set(job.name, durationMs);
  const own = { suite: job.group, durationMs } as const;
  if (job.part === undefined)
    return [{ ...own, title: `${job.name} (npm test -- ${job.group})`, state: ended === 0 ? 'passed' : 'failed' }];
  // A part that died, or could not load a file, has one failure of its own.
  return (
    readResults(job.name) ?? [{ ...own, title: `${job.name} ended with ${ended} and no results`, state: 'failed' }]
  );
}
