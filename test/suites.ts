// SPDX-License-Identifier: Apache-2.0

// The test suites by what they need, cheapest first.

import { globSync } from 'node:fs';

export interface Suite {
  name: string;
  /** What it needs, for people. */
  needs: string;
  /** Globs of its test files, relative to the root of the repository. */
  files: readonly string[];
  /** Milliseconds for one test unless it sets its own. */
  timeoutMs: number;
}

export const SUITES: readonly Suite[] = [
  {
    name: 'unit',
    needs: 'nothing',
    files: [
      'packages/*/src/**/*.test.ts',
      'bench/**/*.test.ts',
      'tools/**/*.test.ts',
      'test/{support,model,conformance,docs}/**/*.test.ts',
    ],
    timeoutMs: 30_000,
  },
  {
    name: 'wire',
    needs: 'root and network namespaces',
    files: ['packages/link/test/**/*.test.ts'],
    timeoutMs: 60_000,
  },
  {
    name: 'contract',
    needs: 'a real API server',
    files: ['test/contract/**/*.test.ts'],
    timeoutMs: 120_000,
  },
  {
    name: 'lab',
    needs: 'the lab cluster, which it brings up and down itself',
    files: ['test/lab/**/*.test.ts'],
    timeoutMs: 300_000,
  },
  {
    name: 'e2e',
    needs: 'Berth on the lab cluster',
    files: ['test/e2e/**/*.test.ts'],
    timeoutMs: 300_000,
  },
];

/** Returns the test files of a suite, sorted. */
export function filesOf(suite: Suite): string[] {
  return [...new Set(suite.files.flatMap((glob) => globSync(glob)))].sort();
}

/** Returns the suites with these names, in the order of SUITES; all of them for no names. Throws on an unknown name. */
export function suitesNamed(names: readonly string[]): Suite[] {
  const known = SUITES.map((suite) => suite.name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`test: suite: found '${unknown}', want one of ${known.join(', ')}`);
  return SUITES.filter((suite) => names.length === 0 || names.includes(suite.name));
}
