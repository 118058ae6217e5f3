// SPDX-License-Identifier: Apache-2.0

// `npm run coverage`: runs the unit suite and prints how much of each room it ran, and the files in which no unit test
// calls anything. Those are for the other suites to test: `main.ts` of a daemon, what talks to the kernel. The whole
// report is build/coverage/index.html.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, relative } from 'node:path';
import { coverageTable, type FileCoverage, untestedFiles } from './coverage-table.ts';

const FOLDER = 'build/coverage';
const REPORTERS = ['json-summary', 'html'].flatMap((reporter) => ['--reporter', reporter]);
const LEFT_OUT = ['**/*.test.ts', '**/testing/**', '**/testing.ts'].flatMap((glob) => ['--exclude', glob]);
const PLACES = ['--all', '--src', 'packages', '--include', 'packages/*/src/**/*.ts', ...LEFT_OUT];
const FOLDERS = ['--reports-dir', FOLDER, '--temp-directory', join(FOLDER, 'tmp')];

const argv = [...PLACES, ...REPORTERS, ...FOLDERS, process.execPath, 'test/run.ts', 'unit'];
const { status } = spawnSync('c8', argv, { stdio: 'inherit' });
const files = readSummary(join(FOLDER, 'coverage-summary.json'));
console.log(`\n${coverageTable(files).join('\n')}\n`);
const untested = untestedFiles(files, hasCode);
for (const file of untested) console.log(`no unit test: ${file}`);
console.log(`${untested.length} of ${files.size} files have no unit test`);
process.exitCode = status ?? 1;

function readSummary(path: string): Map<string, FileCoverage> {
  const { total: _, ...byFile } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, FileCoverage>;
  return new Map(Object.entries(byFile).map(([file, coverage]) => [relative('.', file), coverage]));
}

/** Whether anything is left of a file without its types, comments and imports. */
function hasCode(file: string): boolean {
  const code = stripTypeScriptTypes(readFileSync(file, 'utf8')).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  return code.replaceAll(/^\s*(import|export)\s*(type\b)?[^;]*\bfrom\b[^;]*;?$/gm, '').trim() !== '';
}
