// SPDX-License-Identifier: Apache-2.0

// Fuzzes the parsers in TypeScript, and C against TypeScript, for a given time:
//
//   node test/fuzz/main.ts [SECONDS] [TARGET...]     default: 60 s, all targets in turn
//
// A finding is printed with its smallest input and the seed, and the exit code is 1; it becomes a named row of the
// parser's test.

import { buildAddon } from '../../packages/link/build.ts';
import { TARGETS } from './targets.ts';

const DEFAULT_SECONDS = 60;
/** Inputs of one target before the next one has its turn. */
const RUNS_AT_ONCE = 2000;
const TELL_EVERY_MS = 60_000;

const [seconds = String(DEFAULT_SECONDS), ...names] = process.argv.slice(2);
process.exitCode = fuzz(Number(seconds) * 1000, names.length > 0 ? names : Object.keys(TARGETS));

/** Returns the exit code. */
function fuzz(forMs: number, wanted: readonly string[]): number {
  const unknown = wanted.filter((name) => !(name in TARGETS));
  if (unknown.length > 0 || !(forMs > 0)) {
    console.error(`usage: node test/fuzz/main.ts [SECONDS] [TARGET...], targets: ${Object.keys(TARGETS).join(', ')}`);
    return 2;
  }
  buildAddon();
  const runs = new Map(wanted.map((name) => [name, 0]));
  const endMs = performance.now() + forMs;
  let tellMs = performance.now() + TELL_EVERY_MS;
  for (let turn = 0; performance.now() < endMs; turn++) {
    const name = wanted[turn % wanted.length] ?? '';
    if (!holds(name)) return 1;
    runs.set(name, (runs.get(name) ?? 0) + RUNS_AT_ONCE);
    if (performance.now() >= tellMs) {
      tellMs += TELL_EVERY_MS;
      tell(runs);
    }
  }
  tell(runs);
  return 0;
}

function holds(name: string): boolean {
  const finding = TARGETS[name]?.(RUNS_AT_ONCE);
  if (finding !== undefined) console.error(`fuzz: ${name}: ${finding}`);
  return finding === undefined;
}

function tell(runs: ReadonlyMap<string, number>): void {
  console.log(`fuzz: no finding in ${[...runs].map(([name, count]) => `${name} ${count}`).join(', ')}`);
}
