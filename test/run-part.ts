// SPDX-License-Identifier: Apache-2.0

// `run-part.ts PART [--grep PATTERN] [--file FILE]...`: runs one part of a suite, or some of its files, in this process
// and writes what each test did to build/test-results/. test/run.ts starts one such process a part, so that no part can
// spoil another.

import { relative } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import Mocha from 'mocha';
import { partNamed } from './suites.ts';
import { type TestResult, writeResults } from './test-results.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { grep: { type: 'string' }, file: { type: 'string', multiple: true } },
});
const { name, suite, files } = partNamed(positionals[0] ?? '');
const wanted = values.file ?? files;
const stranger = wanted.find((file) => !files.includes(file));
if (stranger !== undefined) throw new Error(`test: file: found '${stranger}', want a file of the part ${name}`);

// Parts that run at the same time have labs of their own; whoever runs a part beside other runs names them.
const lab = name.slice(name.indexOf('/') + 1);
process.env.BERTH_SPEAKER_LAB ??= lab;
process.env.BERTH_CONTRACT_LAB ??= `${lab}-api`;

const mocha = new Mocha({ timeout: suite.timeoutMs, forbidOnly: true, reporter: 'spec' });
if (values.grep !== undefined) mocha.grep(new RegExp(values.grep));
for (const file of wanted) mocha.addFile(file);
await mocha.loadFilesAsync();

const results: TestResult[] = [];
const runner = mocha.run((failures) => {
  writeResults(name, results);
  // What a test left open must not keep the run from ending; its own suite sees to what it started.
  process.exit(failures === 0 ? 0 : 1);
});
const record = (state: TestResult['state']) => (test: Mocha.Runnable, error?: unknown) =>
  results.push({
    ...{ title: test.fullTitle(), state, suite: suite.name, durationMs: test.duration ?? 0 },
    ...(test.file === undefined ? {} : { file: relative(process.cwd(), test.file) }),
    ...(error === undefined ? {} : { error: error instanceof Error ? (error.stack ?? error.message) : inspect(error) }),
  });
runner.on('pass', record('passed'));
runner.on('fail', record('failed'));
runner.on('pending', record('skipped'));
