// SPDX-License-Identifier: Apache-2.0

// Bundles the programs: less memory, a faster start, and no node_modules in the image.

import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const FOLDER = 'build/berth';

/** Folder with the programs of the image: `controller.js`, `speaker.js` and the chunks that they load. */
export const daemonFolder = join(FOLDER, 'daemons');

/** The kubectl plug-in, one executable file for anywhere on the PATH. */
export const commandFile = join(FOLDER, 'kubectl-berth');

/** Some libraries are CommonJS and call `require` for Node's own modules, which an ES module has to be given. */
const REQUIRE_BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minify: true,
  // Names of classes and functions are part of error messages and of what the log says.
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/**
 * Bundles controller and speaker. What they import on demand (client-node, for kubeconfigs) becomes a chunk that costs no
 * memory unless it is used: docs/design/0002-kube-client.md.
 */
export async function bundleDaemons(): Promise<void> {
  // Chunks are named by their content: those of an older build would stay for ever.
  await rm(daemonFolder, { recursive: true, force: true });
  await build({
    ...COMMON,
    entryPoints: { controller: 'packages/controller/src/main.ts', speaker: 'packages/speaker/src/main.ts' },
    outdir: daemonFolder,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    banner: { js: REQUIRE_BANNER },
  });
}

/** Bundles the kubectl plug-in; the first line of its main.ts names the interpreter. */
export async function bundleCommand(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await build({
    ...COMMON,
    entryPoints: ['packages/cli/src/main.ts'],
    outfile: commandFile,
    banner: { js: REQUIRE_BANNER },
  });
  await chmod(commandFile, 0o755);
}
