// SPDX-License-Identifier: Apache-2.0

// The images that every node has: nothing can be pulled in a lab, so they are
// made here and imported. pause holds a pod's namespaces; agnhost is the server
// and client of Kubernetes' own tests, with a shell and curl beside it.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, realpath, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ImageConfig, writeOciArchive } from '../../tools/oci-archive.ts';
import { cacheFolder } from './binaries.ts';
import { withLock } from './lock.ts';
import { run } from './run.ts';

export const PAUSE_IMAGE = 'localhost/pause:lab';
export const AGNHOST_IMAGE = 'localhost/agnhost:lab';

interface ImageRecipe {
  readonly reference: string;
  readonly config: ImageConfig;
  /** Files of this machine that decide whether a cached archive is still good. */
  readonly inputs: readonly string[];
  readonly fill: (root: string) => Promise<void>;
}

const BUSYBOX = '/bin/busybox';
const CURL = '/usr/bin/curl';
/** Changes when a recipe below does. */
const RECIPE_VERSION = '1';

/** Archives of all images by reference, from the cache when nothing they are made of has changed. */
export async function ensureImages(binaries: string): Promise<ReadonlyMap<string, string>> {
  const recipes = [pauseRecipe(join(binaries, 'pause')), agnhostRecipe(join(binaries, 'agnhost'))];
  const archives = new Map<string, string>();
  for (const recipe of recipes) archives.set(recipe.reference, await ensureArchive(recipe));
  return archives;
}

async function ensureArchive(recipe: ImageRecipe): Promise<string> {
  const folder = join(cacheFolder(), 'images');
  const [, stem = ''] = /([^/]+):/.exec(recipe.reference) ?? [];
  const output = join(folder, `${stem}-${await keyOf(recipe)}.tar`);
  if (existsSync(output)) return output;
  return withLock(join(folder, 'images.lock'), async () => {
    const root = await mkdtemp(join(folder, `.${stem}-`));
    try {
      await recipe.fill(root);
      // Loaded once per node on this machine: compressing costs more than it saves.
      await writeOciArchive({ ...recipe, rootFolder: root, output, compression: 'none' });
    } finally {
      await rm(root, { recursive: true, force: true });
    }
    return output;
  });
}

async function keyOf({ inputs, config }: ImageRecipe): Promise<string> {
  const hash = createHash('sha256').update(RECIPE_VERSION).update(JSON.stringify(config));
  for (const input of inputs) {
    const file = await realpath(input);
    const { size, mtimeMs } = await stat(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 12);
}

function pauseRecipe(pause: string): ImageRecipe {
  return {
    reference: PAUSE_IMAGE,
    config: { Entrypoint: ['/pause'], User: '65535:65535' },
    inputs: [pause],
    fill: (root) => copyProgram(pause, join(root, 'pause')),
  };
}

function agnhostRecipe(agnhost: string): ImageRecipe {
  return {
    reference: AGNHOST_IMAGE,
    config: { Entrypoint: ['/agnhost'], Cmd: ['pause'], Env: ['PATH=/usr/bin:/bin'] },
    inputs: [agnhost, BUSYBOX, CURL],
    fill: async (root) => {
      await copyProgram(agnhost, join(root, 'agnhost'));
      await copyProgram(BUSYBOX, join(root, 'bin/busybox'));
      await linkApplets(join(root, 'bin'));
      for (const file of [CURL, ...(await librariesOf(CURL))]) await copyProgram(file, join(root, file));
      await mkdir(join(root, 'tmp'), { mode: 0o1777 });
    },
  };
}

async function linkApplets(folder: string): Promise<void> {
  const applets = (await run([BUSYBOX, '--list']))
    .split('\n')
    .filter((applet) => applet !== '' && applet !== 'busybox');
  for (const applet of applets) await symlink('busybox', join(folder, applet));
}

/** The shared libraries of a program and its loader, by the paths at which it looks for them. */
async function librariesOf(program: string): Promise<string[]> {
  const lines = (await run(['ldd', program])).split('\n');
  return lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

/** Copies what a path leads to, so that the image needs no links of ours. */
async function copyProgram(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(await realpath(from), to);
}
