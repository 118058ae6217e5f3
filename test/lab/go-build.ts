// SPDX-License-Identifier: Apache-2.0

// `go build` with a measure of how far it is: the go command prints each
// package that it compiles, and knows beforehand which ones are stale.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { run, tryRun } from './run.ts';

export interface GoBuild {
  /** Folder of the module. */
  readonly module: string;
  /** Package to build, relative to the module or by import path. */
  readonly target: string;
  readonly flags: readonly string[];
  /** File to write. */
  readonly output: string;
  /** Called with the part that is done, 0 to 1, and at least twice a second. */
  readonly advance: (fraction: number) => void;
}

/** Part of a build that is compiling; the rest is one long link step that reports nothing. */
const COMPILE_SHARE = 0.93;
/** A pure Go program runs in an image without a C library. */
const ENVIRONMENT = { CGO_ENABLED: '0' };
const TICK_MS = 500;

/** Builds one program. Rejects with what the compiler said. */
export async function goBuild(build: GoBuild): Promise<void> {
  const total = await countStale(build);
  let compiled = 0;
  const ticker = setInterval(() => build.advance(compileFraction(compiled, total)), TICK_MS);
  try {
    await compile(build, () => {
      compiled += 1;
    });
  } finally {
    clearInterval(ticker);
  }
}

/** Rejects with what to do when there is no Go that can build the modules. */
export async function assertGo(): Promise<void> {
  const module = join(import.meta.dirname, 'binaries', 'kubernetes');
  const way = 'Install Go 1.26 or newer, or name a folder with ready-made programs in BERTH_LAB_BIN.';
  // Asked in the module: an older go may be allowed to fetch the toolchain that the module wants.
  const found = await tryRun(['go', '-C', module, 'env', 'GOVERSION']).catch(() => undefined);
  if (found === undefined) throw new Error(`lab: Go is not on the PATH. ${way}`);
  if (found.exitCode !== 0) throw new Error(`lab: ${found.stderr.trim()}. ${way}`);
}

/** Part of the build that is done after so many of the stale packages. */
export function compileFraction(compiled: number, total: number): number {
  if (total === 0) return COMPILE_SHARE;
  return COMPILE_SHARE * Math.min(compiled / total, 1);
}

/** Modules are fetched here too, if they are not in the module cache yet. */
async function countStale({ module, target, flags }: GoBuild): Promise<number> {
  const format = '{{if .Stale}}{{.ImportPath}}{{end}}';
  const argv = ['go', '-C', module, 'list', ...flags, '-deps', '-f', format, target];
  const listed = await run(argv, { env: ENVIRONMENT });
  return listed.split('\n').filter((line) => line !== '').length;
}

function compile(build: GoBuild, onPackage: () => void): Promise<void> {
  const args = ['-C', build.module, 'build', '-v', ...build.flags, '-o', build.output, build.target];
  const child = spawn('go', args, { env: { ...process.env, ...ENVIRONMENT }, stdio: ['ignore', 'ignore', 'pipe'] });
  const complaints: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    // An import path has no blank; everything else is a message.
    if (/^\S+$/.test(line)) onPackage();
    else complaints.push(line);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`go build: ${build.target}: exit ${code}:\n${complaints.slice(-20).join('\n')}`));
    });
  });
}
