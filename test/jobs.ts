// SPDX-License-Identifier: Apache-2.0

// What `npm test` runs, each job in a process of its own, and in which order: jobs that mostly wait run beside each
// other.

import { type Part, partsOf, SUITES, type Suite } from './suites.ts';

export interface Job {
  readonly name: string;
  /** What people name to run it: a suite, or the job itself. */
  readonly group: string;
  /** What it needs, for people. */
  readonly needs: string;
  /** For Node. A part of a suite gets more arguments. */
  readonly argv: readonly string[];
  readonly importance: Importance;
  /** Tests that write results; without it the job is one test, which passes with exit code 0. */
  readonly part?: Part;
}

/**
 * Beside others a job takes its share of the processor (`usual`), a tenth of that (`low`), or what all others leave
 * (`idle`).
 */
export type Importance = 'usual' | 'low' | 'idle';

/** Each fuzzer's time, in seconds. */
const FUZZ_SECONDS = '60';

/** Jobs that are no part of a suite. */
const CHECKS: readonly Job[] = [
  { name: 'lint', group: 'lint', needs: 'nothing', importance: 'idle', argv: ['tools/lint.ts'] },
  {
    name: 'fuzz/parsers',
    group: 'fuzz',
    needs: 'the native addon',
    importance: 'idle',
    argv: ['test/fuzz/main.ts', FUZZ_SECONDS],
  },
  {
    name: 'fuzz/c',
    group: 'fuzz',
    needs: 'clang with libFuzzer',
    importance: 'idle',
    argv: ['packages/link/fuzz.ts', FUZZ_SECONDS],
  },
];

const TESTS: readonly Job[] = SUITES.flatMap((suite) =>
  partsOf(suite).map((part) => ({
    ...{ name: part.name, group: suite.name, needs: suite.needs, part, importance: importanceOf(suite) },
    argv: [...(suite.runner === undefined ? [] : [suite.runner]), '--expose-gc', 'test/run-part.ts', part.name],
  })),
);

export const JOBS: readonly Job[] = [...CHECKS, ...TESTS];

/** Jobs that run one after the other. */
export type Track = readonly string[];

/** Tracks that run side by side; the next stage begins when all of them have ended. */
export type Stage = readonly Track[];

/** In no hurry: begun at the start, and waited for at the end. */
export const BACKGROUND: Track = ['lint', 'fuzz/parsers', 'fuzz/c'];

/**
 * First what is busy all the time, then what mostly waits, then alone what measures times on the wire, and at last
 * clusters, one after the other, beside sanitizers that give way to them.
 */
export const STAGES: readonly Stage[] = [
  [['contract/crowds'], ['unit']],
  [['contract/controller', 'lab'], ['contract/outages', 'browser'], ['contract/speaker'], ['wire']],
  [['contract/timed-1'], ['contract/timed-2']],
  [['contract/busy', 'e2e/connections', 'e2e/migrations']],
  [['e2e/cluster', 'e2e/shapes'], ['sanitized/answers'], ['sanitized/others']],
];

// Sanitizers are busy all the time, and kept labs from coming up; an idle one could hold locks of the kernel for long.
function importanceOf({ name }: Suite): Importance {
  return name === 'sanitized' ? 'low' : 'usual';
}

/** Returns the jobs of these groups, all for none. Throws on an unknown name. */
export function jobsOf(groups: readonly string[]): Job[] {
  const known = [...new Set(JOBS.map(({ group }) => group))];
  const unknown = groups.find((group) => !known.includes(group));
  if (unknown !== undefined) throw new Error(`test: found '${unknown}', want one of ${known.join(', ')}`);
  return JOBS.filter(({ group }) => groups.length === 0 || groups.includes(group));
}
