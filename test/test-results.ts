// SPDX-License-Identifier: Apache-2.0

// What the tests of the last run did, on disk: one file for each part of a suite.

import { existsSync, readFileSync } from 'node:fs';

export interface TestResult {
  /** Full title, with the titles of the enclosing blocks. */
  title: string;
  state: 'passed' | 'failed' | 'skipped';
  suite: string;
  /** How long it took, in milliseconds; 0 for one that was skipped. */
  durationMs: number;
}

export const resultsFolder = 'build/test-results';

export function resultsFile(part: string): string {
  return `${resultsFolder}/${part.replaceAll('/', '.')}.json`;
}

/** Returns the results of a part's last run, or undefined when it left none. */
export function readResults(part: string): TestResult[] | undefined {
  const file = resultsFile(part);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TestResult[]) : undefined;
}

/** Returns how many results have each state. */
export function countStates(results: readonly TestResult[]): Record<TestResult['state'], number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { state } of results) counts[state] += 1;
  return counts;
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
