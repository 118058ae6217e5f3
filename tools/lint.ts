// SPDX-License-Identifier: Apache-2.0

// `npm run lint`: types, biome (lint and format), import layers, SPDX lines, length of files and comments and, where it
// is installed, clang-tidy. All are run; any finding fails.

import { spawnSync } from 'node:child_process';
import { findCProblems } from './c-lint.ts';
import { findShapeProblems } from './file-shape.ts';
import { findHeaderProblems, findLayerProblems } from './import-layers.ts';
import { trackedFiles } from './tracked-files.ts';

const CHECKS: [name: string, command: string, ...args: string[]][] = [
  ['types', 'tsc', '-b'],
  ['biome', 'biome', 'ci', '--error-on-warnings', '--colors=off', '.'],
];

let failed = false;
for (const [name, command, ...args] of CHECKS) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  report(name, status === 0 ? [] : [error ? error.message : `${command} ended with ${status}`]);
}
const files = trackedFiles();
report('import layers', findLayerProblems(files));
report('SPDX lines', findHeaderProblems(files));
report('length of files and comments', findShapeProblems(files));
const inC = findCProblems();
if (inC === undefined) console.log('skip C: clang-tidy is not installed');
else report('C', inC);
process.exit(failed ? 1 : 0);

function report(name: string, problems: readonly string[]): void {
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  for (const problem of problems) console.log(`     ${problem}`);
  if (problems.length > 0) failed = true;
}
