// SPDX-License-Identifier: Apache-2.0
/** Bundles the page out of its sources. Runs in a clone and when the plug-in is built, never in the plug-in. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { compressed, type PageFile, pageFile } from './page-file.ts';

const SOURCE = join(import.meta.dirname, 'page');
const RUNBOOKS = 'docs/runbooks';
const RUNBOOK_FOLDER = join(import.meta.dirname, '../../..', RUNBOOKS);

/** The files by path. They depend on nothing but the sources: the same sources make the same bytes. */
export async function buildPage(): Promise<ReadonlyMap<string, PageFile>> {
  const texts = new Map([...(await bundled()), ...(await copied()), ...(await runbooks())]);
  return new Map([...texts].map(([path, text]) => [path, pageFile(path, compressed(text))]));
}

/** Paths of all files that a line of the page comes from, libraries too. */
export async function pageSources(): Promise<readonly string[]> {
  const { metafile } = await build({ ...OPTIONS, metafile: true });
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

async function bundled(): Promise<[string, string][]> {
  const { outputFiles } = await build(OPTIONS);
  return outputFiles.map(({ path, text }) => [path, text]);
}

const OPTIONS = {
  entryPoints: { main: join(SOURCE, 'main.tsx'), style: join(SOURCE, 'styles/main.css') },
  bundle: true,
  write: false,
  outdir: '/',
  minify: true,
  format: 'esm',
  target: ['chrome123', 'firefox121', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

async function copied(): Promise<[string, string][]> {
  const names = ['index.html', 'icon.svg'];
  return Promise.all(names.map(async (name) => [`/${name}`, await readFile(join(SOURCE, name), 'utf8')] as const)).then(
    (pairs) => pairs.map(([path, text]) => [path, text]),
  );
}

/** What a problem's `runbook` names. */
async function runbooks(): Promise<[string, string][]> {
  if (!existsSync(RUNBOOK_FOLDER)) return [];
  const names = readdirSync(RUNBOOK_FOLDER).filter((name) => name.endsWith('.md'));
  return Promise.all(
    names.map(
      async (name): Promise<[string, string]> => [
        `/${RUNBOOKS}/${name}`,
        await readFile(join(RUNBOOK_FOLDER, name), 'utf8'),
      ],
    ),
  );
}
