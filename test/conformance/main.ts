// SPDX-License-Identifier: Apache-2.0

// `npm run conformance [-- --groups PV,AL] [--last-run]`: runs the tests that carry ids of docs/conformance.md and says
// which ids pass, fail or have no test. `--last-run` judges the results of the last `npm test` instead of running
// anything.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { partsOf, SUITES } from '../suites.ts';
import { readResults } from '../test-results.ts';
import { judge, parseRows, type Row, rowsOfGroups, type Verdict } from './conformance.ts';

const { values } = parseArgs({ options: { groups: { type: 'string' }, 'last-run': { type: 'boolean' } } });
const groups = values.groups === undefined ? [] : values.groups.split(',').map((group) => group.trim().toUpperCase());
const rows = rowsOfGroups(parseRows(readFileSync('docs/conformance.md', 'utf8')), groups);
if (values['last-run'] !== true) runTestsOf(rows);

const verdicts = judge(
  rows,
  SUITES.flatMap(partsOf).flatMap(({ name }) => readResults(name) ?? []),
);
const passed = verdicts.filter(({ state }) => state === 'passed').length;
console.log('');
for (const verdict of verdicts) console.log(formatVerdict(verdict));
console.log(`conformance: ${passed} of ${verdicts.length} ids pass`);
process.exit(passed === verdicts.length ? 0 : 1);

function runTestsOf(wanted: readonly Row[]): void {
  const prefixes = [...new Set(wanted.map(({ id }) => id.slice(0, 2)))].join('|');
  // A suite with a runner has the tests of another one.
  const suites = SUITES.filter(({ runner }) => runner === undefined).map(({ name }) => name);
  spawnSync(process.execPath, ['test/run.ts', ...suites, '--grep', `\\b(${prefixes})-\\d\\d\\b`], { stdio: 'inherit' });
}

function formatVerdict({ row, state }: Verdict): string {
  const words = { passed: 'pass   ', failed: 'FAIL   ', none: 'no test' };
  const behaviour = row.behaviour.length > 90 ? `${row.behaviour.slice(0, 89)}…` : row.behaviour;
  return `${row.id}  ${row.check}  ${words[state]}  ${behaviour}`;
}
