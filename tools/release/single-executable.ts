// SPDX-License-Identifier: Apache-2.0

// kubectl-berth as one file that needs nothing: the plug-in inside a Node binary, as
// nodejs.org/api/single-executable-applications.html has it. Where the Node of this process is the one of the
// executable, the blob holds compiled code too, which halves the time to start (140 to 70 ms of processor time for
// --help). Code for another architecture cannot be compiled here.

import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const WORK = 'build/release-work';
/** Where Node looks for the blob, and what it replaces in its own binary to know that there is one. */
const BLOB = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/**
 * What Node compiles depends on a seed that is another in each process; with this one two runs give the same bytes.
 * (`--hash-seed` does as well, but the executable then refuses the code.)
 */
const SEED = '--random-seed=1';

/**
 * Makes the blob from a script that is CommonJS; returns its path. `isOwnNode`: the executable is made of the Node that
 * runs here.
 */
export async function makeBlob(script: string, { isOwnNode }: { isOwnNode: boolean }): Promise<string> {
  await mkdir(WORK, { recursive: true });
  const output = join(WORK, isOwnNode ? 'kubectl-berth-compiled.blob' : 'kubectl-berth.blob');
  const config = join(WORK, 'sea-config.json');
  const options = { main: script, output, disableExperimentalSEAWarning: true, useCodeCache: isOwnNode };
  await writeFile(config, JSON.stringify(options));
  execFileSync(process.execPath, [SEED, '--experimental-sea-config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return output;
}

/** Puts the blob into a copy of a Node binary. */
export async function writeExecutable(output: string, { node, blob }: { node: string; blob: string }): Promise<void> {
  await copyFile(node, output);
  execFileSync('postject', [output, BLOB, blob, '--sentinel-fuse', FUSE], { stdio: 'ignore' });
  await chmod(output, 0o755);
}
