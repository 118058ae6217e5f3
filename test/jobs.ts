// SPDX-License-Identifier: Apache-2.0

// What `npm test` runs, each job in a process of its own, and in which order: jobs that mostly wait run beside each
// other.

import { type Part, partsOf, SUITES } from './suites.ts';

export interface Job {
  readonly name: string;
  /** What people name to run it: a suite, or the job itself. */
  readonly group: string;
  /** What it needs, for people. */
  readonly needs: string;
  /** For Node. A part of a suite gets more arguments. */
  readonly argv: readonly string[];
  /** Tests that write results; without it the job is one test, which passes with exit code 0. */
  readonly part?: Part;
}

/** Each fuzzer's time, in seconds. */
const FUZZ_SECONDS = '60';

/** Jobs that are no part of a suite. */
const CHECKS: readonly Job[] = [
  { name: 'lint', group: 'lint', needs: 'nothing', argv: ['tools/lint.ts'] },
  {
    name: 'fuzz/parsers',
    group: 'fuzz',
    needs: 'the native addon',
    argv: ['test/fuzz/main.ts', FUZZ_SECONDS],
  },
  {
    name: 'fuzz/c',
    group: 'fuzz',
    needs: 'clang with libFuzzer',
    argv: ['packages/link/fuzz.ts', FUZZ_SECONDS],
  },
];

const TESTS: readonly Job[] = SUITES.flatMap((suite) =>
  partsOf(suite).map((part) => ({
    ...{ name: part.name, group: suite.name, needs: suite.needs, part },
    argv: [...(suite.runner === undefined ? [] : [suite.runner]), '--expose-gc', 'test/run-part.ts', part.name],
  })),
);

export const JOBS: readonly Job[] = [...CHECKS, ...TESTS];

/** Jobs that run one after the other. */
export type Track = readonly string[];

/** Tracks that run side by side; the next stage begins when all of them have ended. */
export type Stage = readonly Track[];

/** In no hurry: from the start they take what all others leave of the processor. */
export const BACKGROUND: Track = ['lint', 'fuzz/parsers', 'fuzz/c'];

/**
 * First what is busy all the time, then what mostly waits, then alone what measures times on the wire, and at last what
 * has most to bring up.
 */
export const STAGES: readonly Stage[] = [
  [['contract/crowds'], ['unit']],
  [['contract/controller'], ['contract/outages'], ['contract/speaker'], ['wire']],
  [['contract/timed-1'], ['contract/timed-2']],
  [['contract/busy', 'browser', 'e2e/connections', 'e2e/migrations']],
  [['e2e/cluster'], ['e2e/shapes', 'lab'], ['sanitized/answers'], ['sanitized/others']],
];

/** Returns the jobs of these groups, all for none. Throws on an unknown name. */
export function jobsOf(groups: readonly string[]): Job[] {
  const known = [...new Set(JOBS.map(({ group }) => group))];
  const unknown = groups.find((group) => !known.includes(group));
  if (unknown !== undefined) throw new Error(`test: found '${unknown}', want one of ${known.join(', ')}`);
  return JOBS.filter(({ group }) => groups.length === 0 || groups.includes(group));
}
