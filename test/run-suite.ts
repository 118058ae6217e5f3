// SPDX-License-Identifier: Apache-2.0

// Runs one suite in this process and writes what each test did to build/test-results/NAME.json.
// test/run.ts starts one such process a suite, so that no suite can spoil the next.

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import Mocha from 'mocha';
import { filesOf, suitesNamed } from './suites.ts';
import { resultsFile, resultsFolder, type TestResult } from './test-results.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { grep: { type: 'string' } } });
const [suite] = suitesNamed(positionals.slice(0, 1));
if (suite === undefined) throw new Error('test: no suite');

const mocha = new Mocha({ timeout: suite.timeoutMs, forbidOnly: true, reporter: 'spec' });
if (values.grep !== undefined) mocha.grep(new RegExp(values.grep));
for (const file of filesOf(suite)) mocha.addFile(file);
await mocha.loadFilesAsync();

const results: TestResult[] = [];
const runner = mocha.run((failures) => {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(resultsFile(suite.name), JSON.stringify(results, null, 2));
  // What a test left open must not keep the run from ending; its own suite sees to what it started.
  process.exit(failures === 0 ? 0 : 1);
});
const record = (state: TestResult['state']) => (test: Mocha.Runnable) =>
  results.push({ title: test.fullTitle(), state, suite: suite.name });
runner.on('pass', record('passed'));
runner.on('fail', record('failed'));
runner.on('pending', record('skipped'));
