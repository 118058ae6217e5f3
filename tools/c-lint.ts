// SPDX-License-Identifier: Apache-2.0

// clang-tidy over the C code of packages/link and bench/native: the analyzer's paths, and what is error-prone. Without
// clang-tidy nothing is looked at; the compilers' own warnings are errors in any case.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FILES = ['packages/link/native/*.c', 'packages/link/native/keeper/*.c', 'bench/native/*.c'];
const GENERATED = 'packages/link/build/generated';
/**
 * Left out: parameters that could be swapped, which every memory function has; and Annex K of C11, which glibc lacks.
 */
const CHECKS = [
  ...['-*', 'bugprone-*', 'clang-analyzer-*', 'cert-*', '-bugprone-easily-swappable-parameters'],
  '-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling',
  // Of programs that only measure: their arguments come from a script beside them.
  ...['-cert-err34-c', '-cert-err33-c', '-bugprone-implicit-widening-of-multiplication-result'],
];
const FINDING = /^\/.*: (warning|error): /;

/** One line for each finding; undefined where there is no clang-tidy, or the generated header was not built. */
export function findCProblems(): string[] | undefined {
  const isInstalled = spawnSync('clang-tidy', ['--version'], { stdio: 'ignore' }).error === undefined;
  if (!isInstalled || !existsSync(GENERATED)) return undefined;
  const headers = join(dirname(process.execPath), '..', 'include', 'node');
  const files = globSync(FILES);
  const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-DNAPI_VERSION=9', '-isystem', headers, '-I', GENERATED];
  const argv = ['--quiet', `--checks=${CHECKS.join(',')}`, ...files, '--', ...flags];
  const { stdout } = spawnSync('clang-tidy', argv, { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => FINDING.test(line));
}
