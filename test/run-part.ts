// SPDX-License-Identifier: Apache-2.0

// Runs one part of a suite in this process and writes what each test did to build/test-results/.
// test/run.ts starts one such process a part, so that no part can spoil another.

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import Mocha from 'mocha';
import { partNamed } from './suites.ts';
import { resultsFile, resultsFolder, type TestResult } from './test-results.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { grep: { type: 'string' } } });
const { name, suite, files } = partNamed(positionals[0] ?? '');

// Parts that run at the same time have labs of their own; whoever runs a part beside other runs names them.
const lab = name.slice(name.indexOf('/') + 1);
process.env.BERTH_SPEAKER_LAB ??= lab;
process.env.BERTH_CONTRACT_LAB ??= `${lab}-api`;

const mocha = new Mocha({ timeout: suite.timeoutMs, forbidOnly: true, reporter: 'spec' });
if (values.grep !== undefined) mocha.grep(new RegExp(values.grep));
for (const file of files) mocha.addFile(file);
await mocha.loadFilesAsync();

const results: TestResult[] = [];
const runner = mocha.run((failures) => {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(resultsFile(name), JSON.stringify(results, null, 2));
  // What a test left open must not keep the run from ending; its own suite sees to what it started.
  process.exit(failures === 0 ? 0 : 1);
});
const record = (state: TestResult['state']) => (test: Mocha.Runnable) =>
  results.push({ title: test.fullTitle(), state, suite: suite.name, durationMs: test.duration ?? 0 });
runner.on('pass', record('passed'));
runner.on('fail', record('failed'));
runner.on('pending', record('skipped'));
