// SPDX-License-Identifier: Apache-2.0

// What the tests of the last run did, on disk: one file for each part of a suite.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

export interface TestResult {
  /** Full title, with the titles of the enclosing blocks. */
  title: string;
  /** `unsteady`: it failed, and passed when its file was run again with nothing beside it. */
  state: 'passed' | 'failed' | 'skipped' | 'unsteady';
  suite: string;
  /** The test file, relative to the root of the repository; undefined for a job that is one test. */
  file?: string;
  /** What a failed or unsteady test printed. */
  error?: string;
  /** How long it took, in milliseconds; 0 for one that was skipped. */
  durationMs: number;
}

/** Lines of an error that are repeated at the end of a run. */
const ERROR_LINES = 12;

export const resultsFolder = 'build/test-results';

export function resultsFile(part: string): string {
  return `${resultsFolder}/${part.replaceAll('/', '.')}.json`;
}

/** Returns the results of a part's last run, or undefined when it left none. */
export function readResults(part: string): TestResult[] | undefined {
  const file = resultsFile(part);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TestResult[]) : undefined;
}

/** Replaces what is known of a part's last run. */
export function writeResults(part: string, results: readonly TestResult[]): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(resultsFile(part), JSON.stringify(results, null, 2));
}

/** Returns how many results have each state. */
export function countStates(results: readonly TestResult[]): Record<TestResult['state'], number> {
  const counts = { passed: 0, failed: 0, skipped: 0, unsteady: 0 };
  for (const { state } of results) counts[state] += 1;
  return counts;
}

/**
 * Returns the results of a part of which some files were run again: a test that failed first and not then is unsteady,
 * one that fails then has failed, and one that did not run first, because a hook before it failed, has its second
 * result.
 */
export function withSecondRun(first: readonly TestResult[], second: readonly TestResult[]): TestResult[] {
  const again = new Map(second.map((result) => [result.title, result]));
  const known = new Set(first.map(({ title }) => title));
  const files = new Set(second.map(({ file }) => file));
  const judged = first.map((result): TestResult => {
    const repeated = again.get(result.title);
    if (repeated?.state === 'failed') return repeated;
    return result.state === 'failed' && files.has(result.file) ? { ...result, state: 'unsteady' } : result;
  });
  return [...judged, ...second.filter(({ title }) => !known.has(title))];
}

/** Lines that say what failed, and with which words. */
export function failuresOf(results: readonly TestResult[], state: 'failed' | 'unsteady'): string[] {
  return results
    .filter((result) => result.state === state)
    .flatMap(({ suite, title, error = '' }) => [
      `${state}: ${suite}: ${title}`,
      ...error
        .split('\n')
        .slice(0, ERROR_LINES)
        .map((line) => `    ${line}`),
    ]);
}

/** Lines that say how long each suite took, labs included, and which tests took longest. */
export function timesOf(
  suiteMs: ReadonlyMap<string, number>,
  results: readonly TestResult[],
  slowest: number,
): string[] {
  const suites = [...suiteMs].map(([suite, milliseconds]) => `${suite} ${secondsOf(milliseconds)}`);
  const longest = results.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, slowest);
  return [
    `time: ${suites.join(', ')}`,
    ...longest.map(({ suite, title, durationMs }) => `${secondsOf(durationMs).padStart(8)}  ${suite}: ${title}`),
  ];
}

function secondsOf(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
