// SPDX-License-Identifier: Apache-2.0

// `npm test [-- GROUP...] [--grep PATTERN] [--kubernetes VERSION]`: lint, every suite, fuzzers and sanitizers, then one
// closing line. A version of Kubernetes alone means the end-to-end tests on it.
//
// A file of which a test failed is run again at the end, with nothing beside it, while there is time. A test that
// passes then is unsteady: it is named with its first error, and does not fail the run. On CI (CI=true) a skipped test
// fails the run: a suite that could not run has proved nothing.

import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BACKGROUND, type Job, jobsOf, STAGES, type Track } from './jobs.ts';
import { KUBERNETES_VARIABLE, parseKubernetesVersion } from './lab/kubernetes-versions.ts';
import { runJob } from './run-job.ts';
import {
  countStates,
  failuresOf,
  readResults,
  resultsFile,
  type TestResult,
  timesOf,
  withSecondRun,
  writeResults,
} from './test-results.ts';

/** How many of the slowest tests are named at the end. */
const SLOWEST = 20;
/** With failures in more files than this nothing is run again: the change is at fault, not the moment. */
const MOST_AGAIN = 10;
/** Nothing is run again later than this, in milliseconds after the start: CI ends a run after 90 minutes. */
const AGAIN_UNTIL_MS = 82 * 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { grep: { type: 'string' }, kubernetes: { type: 'string' } },
});
// Every job is a process of its own and brings its labs up itself.
if (values.kubernetes !== undefined) process.env[KUBERNETES_VARIABLE] = parseKubernetesVersion(values.kubernetes);
const groups = positionals.length === 0 && values.kubernetes !== undefined ? ['e2e'] : positionals;
const wanted = jobsOf(groups).filter(({ part }) => part !== undefined || values.grep === undefined);
const resultsOf = new Map<Job, readonly TestResult[]>();
const jobMs = new Map<string, number>();
const startMs = performance.now();

const background = runTrack(BACKGROUND);
for (const stage of STAGES) await Promise.all(stage.map(runTrack));
await background;

if ([...resultsOf.values()].flatMap(failedFilesOf).length <= MOST_AGAIN)
  for (const [job, results] of resultsOf) resultsOf.set(job, await runFailedFilesAgain(job, results));

const results = [...resultsOf.values()].flat();
const { passed, failed, skipped, unsteady } = countStates(results);
const whole = new Map([...jobMs, ['all', performance.now() - startMs]]);
console.log(`\n${timesOf(whole, results, SLOWEST).join('\n')}\n`);
for (const state of ['unsteady', 'failed'] as const) for (const line of failuresOf(results, state)) console.log(line);
const more = Object.entries({ unsteady, skipped }).flatMap(([word, count]) =>
  count > 0 ? [`, ${count} ${word}`] : [],
);
console.log(`${passed} passed, ${failed} failed${more.join('')}`);
const skipFails = skipped > 0 && process.env.CI === 'true' && values.grep === undefined;
if (skipFails) console.log('test: on CI a skipped test is a failure');
process.exit(failed > 0 || passed === 0 || skipFails ? 1 : 0);

async function runTrack(track: Track): Promise<void> {
  for (const name of track) {
    const job = wanted.find((one) => one.name === name);
    if (job !== undefined) resultsOf.set(job, await timed(job));
  }
}

async function timed(job: Job): Promise<TestResult[]> {
  const beganMs = performance.now();
  const results = await resultsOfRun(job);
  const endedMs = performance.now();
  jobMs.set(job.name, endedMs - beganMs);
  console.log(
    `test: ${job.name} took ${minutesOf(endedMs - beganMs)}, ${minutesOf(endedMs - startMs)} after the start`,
  );
  return results;
}

async function resultsOfRun(job: Job, more: readonly string[] = []): Promise<TestResult[]> {
  const beganMs = performance.now();
  if (job.part !== undefined) rmSync(resultsFile(job.name), { force: true });
  const grep = job.part === undefined || values.grep === undefined ? [] : ['--grep', values.grep];
  const ended = await runJob({ ...job, argv: [...job.argv, ...grep, ...more] }, { isAlone: wanted.length === 1 });
  const own = { suite: job.group, durationMs: performance.now() - beganMs } as const;
  if (job.part === undefined)
    return [{ ...own, title: `${job.name} (npm test -- ${job.group})`, state: ended === 0 ? 'passed' : 'failed' }];
  const written = readResults(job.name);
  const results = written ?? [];
  // A part that died, could not load a file, or of which a sanitizer reports has one failure of its own. One without a
  // test that `--grep` names has no results, and no failure.
  const hasFailed = results.some(({ state }) => state === 'failed');
  const isAsExpected = written !== undefined && ended === (hasFailed ? 1 : 0);
  return isAsExpected ? results : [...results, { ...own, title: `${job.name} ended with ${ended}`, state: 'failed' }];
}

/** A test that fails often takes the next ones of its file with it, so files are counted. */
function failedFilesOf(results: readonly TestResult[]): string[] {
  const failed = results.filter(({ state }) => state === 'failed');
  return [...new Set(failed.flatMap(({ file }) => file ?? []))];
}

async function runFailedFilesAgain(job: Job, results: readonly TestResult[]): Promise<readonly TestResult[]> {
  const files = failedFilesOf(results);
  if (files.length === 0) return results;
  if (performance.now() - startMs > AGAIN_UNTIL_MS) {
    console.log(`\ntest: no time to run again: ${files.join(', ')}`);
    return results;
  }
  console.log(`\ntest: again, alone: ${files.join(', ')}`);
  const second = await resultsOfRun(
    job,
    files.flatMap((file) => ['--file', file]),
  );
  const judged = withSecondRun(results, second);
  writeResults(job.name, judged);
  return judged;
}

function minutesOf(milliseconds: number): string {
  return `${(milliseconds / 60_000).toFixed(1)} min`;
}
