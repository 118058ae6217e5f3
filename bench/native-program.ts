// SPDX-License-Identifier: Apache-2.0

// The small programs in C that measure where a process of Node.js would measure itself.

import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

const FLAGS = ['-std=gnu11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread'];

/** Compiles bench/native/NAME.c; returns the path of the program. */
export function buildNativeProgram(name: string): string {
  const folder = join(import.meta.dirname, '..', 'build', 'bench');
  mkdirSync(folder, { recursive: true });
  const output = join(folder, name);
  // Put in its place whole: another benchmark may be running the old one.
  const unfinished = `${output}.${process.pid}`;
  execFileSync('cc', [...FLAGS, '-o', unfinished, join(import.meta.dirname, 'native', `${name}.c`)], {
    stdio: 'inherit',
  });
  renameSync(unfinished, output);
  return output;
}
