// SPDX-License-Identifier: Apache-2.0
/**
 * `sanitize.ts ARGUMENT...` runs Node with these arguments, which run tests, on an addon with AddressSanitizer and
 * UndefinedBehaviorSanitizer. Fails as that does, and when a sanitizer reports.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
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

/** The exit code when a sanitizer reported, whatever the tests say. */
const REPORTED = 3;

const addon = buildAddon({ output: join(HERE, 'build', 'link-sanitized.node'), flags: FLAGS });
const reports = mkdtempSync(join(tmpdir(), 'berth-sanitize-'));
const log = join(reports, 'report');
const { status } = spawnSync(process.execPath, process.argv.slice(2), {
  stdio: 'inherit',
  env: {
    ...process.env,
    BERTH_LINK_ADDON: addon,
    // Node itself is not sanitized, so the run-time library must be there before it; leaks of Node are not ours.
    LD_PRELOAD: [libraryOf('libasan.so'), libraryOf('libubsan.so')].join(' '),
    ASAN_OPTIONS: `detect_leaks=0:log_path=${log}`,
    UBSAN_OPTIONS: `print_stacktrace=1:log_path=${log}`,
  },
});
const found = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));
rmSync(reports, { recursive: true });
for (const report of found) console.error(report);
if (found.length > 0) process.exitCode = REPORTED;
else process.exitCode = status ?? 1;
console.log(`sanitize: ${found.length} reports, the tests ended with ${status}`);

function libraryOf(name: string): string {
  return execFileSync('cc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}
