// SPDX-License-Identifier: Apache-2.0

// Bundles the programs: less memory, a faster start, and no node_modules in the image.

import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pageFiles } from '@berth/dashboard';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { NOTICES, noticesOf } from './release/notices.ts';

const FOLDER = 'build/berth';

/**
 * Folder with the programs of the image: `controller.js`, `speaker.js` and the chunks that they load; and the licences
 * of what is in them.
 */
export const daemonFolder = join(FOLDER, 'daemons');

/** The kubectl plug-in, one executable file for anywhere on the PATH. */
export const commandFile = join(FOLDER, 'kubectl-berth');

/**
 * Takes Node's own modules by `process.getBuiltinModule`, and of what is imported only the names that are used. Node
 * itself, and esbuild's copy of a CommonJS module, look at every export, and some of them load parts of Node that no
 * one uses: node:module, node:util and node:fs/promises take 7 MB of resident memory that way
 * (docs/design/0004-memory.md).
 */
const builtinModules: Plugin = {
  name: 'builtin modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z0-9_:/]+$/ }, ({ path, kind }) => {
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

/**
 * An ES module with an export for each name; those that no one imports are left out of the bundle, since each counts as
 * pure.
 */
function namesOf(path: string): string {
  const names = Object.keys(createRequire(import.meta.url)(path) as object).filter((name) =>
    /^[A-Za-z_]\w*$/.test(name),
  );
  const lines = names
    .filter((name) => name !== 'default')
    .map((name) => `export const ${name} = /* @__PURE__ */ (() => module.${name})();`);
  return [`const module = ${moduleAt(path)};`, ...lines, 'export default module;'].join('\n');
}

/** What the bundles have only the credentials' part of. */
const CLIENT_NODE = '@kubernetes/client-node';

/** Modules that client-node's credentials import for what is never called here, and the names that they take. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  undici: ['Agent', 'ProxyAgent', 'FormData', 'fetch'],
  './gen/index.js': ['createConfiguration', 'ServerConfiguration'],
  './gen/rxjsStub.js': ['of'],
};

/**
 * We send our requests by node:https and take only credentials from client-node: no undici, which is a megabyte, and
 * whose version that client-node wants does not load on Node 20, and no generated clients of all APIs, which are three
 * megabytes to read at each start.
 */
const credentialsAlone: Plugin = {
  name: 'credentials alone',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ kind, resolveDir }) =>
      resolve(`${CLIENT_NODE}/dist/config.js`, { kind, resolveDir }),
    );
    onResolve({ filter: /^(undici|\.\/gen\/(index|rxjsStub)\.js)$/ }, ({ path, importer }) =>
      path === 'undici' || importer.includes(`/${CLIENT_NODE}/dist/`) ? { path, namespace: 'left out' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'left out' }, ({ path }) => ({
      contents: [
        `const leftOut = () => { throw new Error("bundle: ${path} is left out: use KubeClient"); };`,
        ...(LEFT_OUT[path] ?? []).map((name) => `export const ${name} = leftOut;`),
      ].join('\n'),
    }));
  },
};

/**
 * Puts the files of the dashboard's page into the plug-in, compressed, in the place of the module that makes them out
 * of the sources.
 */
const dashboardPage: Plugin = {
  name: 'dashboard page',
  setup({ onLoad }) {
    onLoad({ filter: /\/packages\/dashboard\/src\/page-files\.ts$/ }, async () => {
      const files = [...(await pageFiles())].map(([path, { gzip }]) => [path, gzip.toString('base64')]);
      return {
        contents: [
          "import { pageFile } from './page-file.ts';",
          `const FILES = ${JSON.stringify(files)};`,
          "const made = ([path, text]) => [path, pageFile(path, Buffer.from(text, 'base64'))];",
          'export const pageFiles = async () => new Map(FILES.map(made));',
        ].join('\n'),
        loader: 'js',
        resolveDir: 'packages/dashboard/src',
      };
    });
  },
};

const COMMON = {
  bundle: true,
  platform: 'node',
  minify: true,
  // Names of classes and functions are part of error messages and of what the log says.
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/**
 * Bundles controller and speaker. What they import on demand (client-node, for kubeconfigs) becomes a chunk that costs
 * no memory unless it is used: docs/design/0002-kube-client.md.
 */
export async function bundleDaemons(folder = daemonFolder): Promise<void> {
  // Chunks are named by their content: those of an older build would stay for ever.
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    ...COMMON,
    metafile: true,
    // The image has its own Node.
    target: 'node24',
    format: 'esm',
    plugins: [builtinModules, credentialsAlone],
    entryPoints: { controller: 'packages/controller/src/main.ts', speaker: 'packages/speaker/src/main.ts' },
    outdir: folder,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  });
  await writeFile(join(folder, NOTICES), await noticesOf(sourcesOf(metafile)));
}

/** Files that a line of a bundle comes from. */
function sourcesOf({ outputs }: Metafile): readonly string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  return inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
}

/**
 * Node before 20.16 and 22.3 has no `process.getBuiltinModule`, but takes a file without an ending for CommonJS, which
 * has `require`.
 */
const OLDER_NODE = 'process.getBuiltinModule??=typeof require==="function"?require:undefined;';

/**
 * Bundles the kubectl plug-in; the first line of its main.ts names the interpreter: the Node of whoever runs it, from
 * version 20 on. A file without an ending is CommonJS or not by the nearest package.json, so the bundle has neither
 * `import` nor `require`. Returns the paths of the files that a line of it comes from; those of the dashboard's page
 * are not among them.
 */
export async function bundleCommand(outfile = commandFile): Promise<readonly string[]> {
  await mkdir(FOLDER, { recursive: true });
  const { metafile } = await build({
    metafile: true,
    ...COMMON,
    target: 'node20',
    format: 'iife',
    banner: { js: OLDER_NODE },
    plugins: [builtinModules, credentialsAlone, dashboardPage],
    entryPoints: ['packages/cli/src/main.ts'],
    outfile,
  });
  await chmod(outfile, 0o755);
  return sourcesOf(metafile);
}
