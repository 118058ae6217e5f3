// SPDX-License-Identifier: Apache-2.0

// Bundles the programs: less memory, a faster start, and no node_modules in the image.

import { chmod, mkdir, rm } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const FOLDER = 'build/berth';

/** Folder with the programs of the image: `controller.js`, `speaker.js` and the chunks that they load. */
export const daemonFolder = join(FOLDER, 'daemons');

/** The kubectl plug-in, one executable file for anywhere on the PATH. */
export const commandFile = join(FOLDER, 'kubectl-berth');

/**
 * Takes Node's own modules by `process.getBuiltinModule`, and of what is imported only the names that are used. Node itself, and
 * esbuild's copy of a CommonJS module, look at every export, and some of them load parts of Node that nobody uses: node:module,
 * node:util and node:fs/promises take 7 MB of resident memory that way (docs/design/0004-memory.md).
 */
const builtinModules: Plugin = {
  name: 'builtin modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z_:/]+$/ }, ({ path, kind }) => {
      const namespace = kind === 'import-statement' ? 'builtin names' : 'builtin module';
      return isBuiltin(path) ? { path, namespace } : undefined;
    });
    onLoad({ filter: /./, namespace: 'builtin module' }, ({ path }) => ({
      contents: `module.exports = ${moduleAt(path)};`,
    }));
    onLoad({ filter: /./, namespace: 'builtin names' }, ({ path }) => ({ contents: namesOf(path) }));
  },
};

function moduleAt(path: string): string {
  return `process.getBuiltinModule(${JSON.stringify(path)})`;
}

/** An ES module with an export for each name; those that nobody imports are left out of the bundle, since each counts as pure. */
function namesOf(path: string): string {
  const names = Object.keys(createRequire(import.meta.url)(path) as object).filter((name) =>
    /^[A-Za-z_]\w*$/.test(name),
  );
  const lines = names
    .filter((name) => name !== 'default')
    .map((name) => `export const ${name} = /* @__PURE__ */ (() => module.${name})();`);
  return [`const module = ${moduleAt(path)};`, ...lines, 'export default module;'].join('\n');
}

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
  plugins: [builtinModules],
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
  });
}

/** Bundles the kubectl plug-in; the first line of its main.ts names the interpreter. */
export async function bundleCommand(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await build({
    ...COMMON,
    entryPoints: ['packages/cli/src/main.ts'],
    outfile: commandFile,
  });
  await chmod(commandFile, 0o755);
}
