// SPDX-License-Identifier: Apache-2.0

// `npm test [-- SUITE...] [--grep PATTERN]`: lint, then every suite, then one closing line.
//
// On CI (CI=true) a skipped test fails the run: a suite that could not run has proved nothing.

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { filesOf, type Suite, suitesNamed } from './suites.ts';
import { countStates, readResults, resultsFile, type TestResult } from './test-results.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { grep: { type: 'string' } } });
const results: TestResult[] = [];
if (positionals.length === 0) results.push(runLint());
for (const suite of suitesNamed(positionals)) results.push(...runSuite(suite));

const { passed, failed, skipped } = countStates(results);
for (const { suite, title } of results.filter(({ state }) => state === 'failed'))
  console.log(`failed: ${suite}: ${title}`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
const skipFails = skipped > 0 && process.env.CI === 'true' && values.grep === undefined;
if (skipFails) console.log('test: on CI a skipped test is a failure');
process.exit(failed > 0 || passed === 0 || skipFails ? 1 : 0);

function runLint(): TestResult {
  announce('lint', 'nothing');
  const { status } = spawnSync(process.execPath, ['tools/lint.ts'], { stdio: 'inherit' });
  return { title: 'npm run lint', state: status === 0 ? 'passed' : 'failed', suite: 'lint' };
}

function runSuite(suite: Suite): TestResult[] {
  announce(suite.name, suite.needs);
  if (filesOf(suite).length === 0) return [];
  rmSync(resultsFile(suite.name), { force: true });
  const grep = values.grep === undefined ? [] : ['--grep', values.grep];
  const argv = ['--expose-gc', 'test/run-suite.ts', suite.name, ...grep];
  const { status, signal } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
  const found = readResults(suite.name);
  // A suite that died, or could not load a file, has one failure of its own.
  if (found === undefined)
    return [{ title: `ended with ${signal ?? status} and no results`, state: 'failed', suite: suite.name }];
  return found;
}

function announce(name: string, needs: string): void {
  console.log(`\n== ${name} (needs ${needs}) ==`);
}
