// SPDX-License-Identifier: Apache-2.0

// What the tests of the last run did, on disk: one file a suite.

import { existsSync, readFileSync } from 'node:fs';

export interface TestResult {
  /** Full title, with the titles of the enclosing blocks. */
  title: string;
  state: 'passed' | 'failed' | 'skipped';
  suite: string;
}

export const resultsFolder = 'build/test-results';

export function resultsFile(suite: string): string {
  return `${resultsFolder}/${suite}.json`;
}

/** Returns the results of a suite's last run, or undefined when it left none. */
export function readResults(suite: string): TestResult[] | undefined {
  const file = resultsFile(suite);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TestResult[]) : undefined;
}

/** Returns how many results have each state. */
export function countStates(results: readonly TestResult[]): Record<TestResult['state'], number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { state } of results) counts[state] += 1;
  return counts;
}
