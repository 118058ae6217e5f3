// SPDX-License-Identifier: Apache-2.0
/**
 * Runs the tests of this package on an addon with AddressSanitizer and UndefinedBehaviorSanitizer; needs root as they
 * do. Fails when a test fails or a sanitizer reports.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAddon } from './build.ts';

const HERE = import.meta.dirname;
// What is undefined ends the process: beside AddressSanitizer such reports go to the standard error and into no log.
const FLAGS = [
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=undefined',
  '-fno-omit-frame-pointer',
  '-g',
  '-O1',
];

const addon = buildAddon({ output: join(HERE, 'build', 'link-sanitized.node'), flags: FLAGS });
const reports = mkdtempSync(join(tmpdir(), 'berth-sanitize-'));
const log = join(reports, 'report');
const { status } = spawnSync(
  process.execPath,
  [mocha(), '--timeout', '120000', ...globSync(join(HERE, 'test', '**', '*.test.ts'))],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      BERTH_LINK_ADDON: addon,
      // Node itself is not sanitized, so the run-time library must be there before it; leaks of Node are not ours.
      LD_PRELOAD: [libraryOf('libasan.so'), libraryOf('libubsan.so')].join(' '),
      ASAN_OPTIONS: `detect_leaks=0:log_path=${log}`,
      UBSAN_OPTIONS: `print_stacktrace=1:log_path=${log}`,
    },
  },
);
const found = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));
rmSync(reports, { recursive: true });
for (const report of found) console.error(report);
process.exitCode = status === 0 && found.length === 0 ? 0 : 1;
console.log(
  process.exitCode === 0 ? 'sanitize: nothing found' : `sanitize: ${found.length} reports, mocha ended with ${status}`,
);

function libraryOf(name: string): string {
  return execFileSync('cc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

function mocha(): string {
  return join(HERE, '..', '..', 'node_modules', 'mocha', 'bin', 'mocha.js');
}
