// SPDX-License-Identifier: Apache-2.0

// The version from which the end-to-end tests upgrade and to which they go back, built from its commit by its own
// scripts (docs/design/0063-upgrade-from-the-version-before.md).

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { run, tryRun } from '../lab/run.ts';

/** What main was until 29 November 2026. After a release: the commit of its tag, which a clone may lack. */
export const COMMIT_BEFORE = 'acd978a9828d8d18da3f557ec5289ee2799a42b9';

/** The name of the image is that version's own; two versions may bear one number, and must not have one image. */
const TAG = 'before';
/** `buildImage` has had this name since the first version. */
const BUILD = [
  "const { buildImage, imageReference } = await import('./tools/image.ts');",
  "console.log(JSON.stringify({ archive: await buildImage('none'), image: await imageReference() }));",
].join(' ');
/** What the image's files are bundled with; all else that a lockfile calls `dev` goes into no image. */
const BUNDLER = 'node_modules/esbuild';
const FOLDER = 'node_modules/';

export interface BuiltVersion {
  /** Path of the image's archive. */
  readonly archive: string;
  /** Full name of the image. */
  readonly image: string;
  /** Folder for `kubectl apply -k`. */
  readonly kustomization: string;
}

interface LockedPackage {
  readonly version?: string;
  /** Only for developing. */
  readonly dev?: boolean;
  /** One of the project's own. */
  readonly link?: boolean;
}

/** A package-lock.json, as far as it is read here. */
export interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** Builds the version before this one in a folder of its own, below the root of the repository. */
export async function buildVersionBefore(folder: string): Promise<BuiltVersion> {
  await rm(folder, { recursive: true, force: true });
  const tree = join(folder, 'tree');
  await checkOut(tree);
  await providePackages(tree);
  await nameImage(join(tree, 'manifests', 'kustomization.yaml'));
  const node = [process.execPath, '--input-type=module', '--eval', BUILD];
  const said = (await run(['env', '-C', tree, ...node])).trim().split('\n');
  const { archive, image } = JSON.parse(said.at(-1) ?? '') as Pick<BuiltVersion, 'archive' | 'image'>;
  return { archive: join(tree, archive), image, kustomization: join(tree, 'manifests') };
}

/**
 * Packages that a version's image is built with and that Node would find in another version, or not at all, from the
 * same places of a tree with another lockfile; as NAME@VERSION.
 */
export function packagesLacking(wanted: Lockfile, present: Lockfile): string[] {
  return Object.entries(wanted.packages).flatMap(([path, { version, dev, link }]) => {
    const isForImage = path.includes(FOLDER) && !link && (!dev || path === BUNDLER);
    return !isForImage || versionFound(path, present) === version ? [] : [`${nameAt(path)}@${version}`];
  });
}

async function checkOut(tree: string): Promise<void> {
  const { exitCode } = await tryRun(['git', 'cat-file', '-e', `${COMMIT_BEFORE}^{commit}`]);
  if (exitCode !== 0)
    throw new Error(`upgrade: commit ${COMMIT_BEFORE} is not in this clone; run \`git fetch --unshallow\``);
  await mkdir(tree, { recursive: true });
  const archive = `${tree}.tar`;
  await run(['git', 'archive', `--output=${archive}`, COMMIT_BEFORE]);
  await run(['tar', '-x', '-f', archive, '-C', tree]);
}

/**
 * Node looks for packages in the folders above too, so the version finds those of this tree, and gets beside it only
 * its own. Where this tree has others, they are installed.
 */
async function providePackages(tree: string): Promise<void> {
  if (packagesLacking(await lockfileIn(tree), await lockfileIn('.')).length > 0) {
    await run(['npm', 'ci', '--prefix', tree, '--no-audit', '--no-fund', '--loglevel=error']);
    return;
  }
  for (const folder of await readdir(join(tree, 'packages'))) {
    const own = join('packages', folder);
    const { name } = JSON.parse(await readFile(join(tree, own, 'package.json'), 'utf8')) as { name: string };
    await link(join(tree, own), join(tree, FOLDER, name));
    if (existsSync(join(own, FOLDER))) await link(join(own, FOLDER), join(tree, own, FOLDER));
  }
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(resolve(target), path.replace(/\/$/, ''));
}

async function nameImage(kustomization: string): Promise<void> {
  const text = await readFile(kustomization, 'utf8');
  await writeFile(kustomization, text.replace(/newTag: .*/, `newTag: ${TAG}`));
}

async function lockfileIn(folder: string): Promise<Lockfile> {
  return JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as Lockfile;
}

/** As Node looks: in this folder of packages, else in those above it. */
function versionFound(path: string, { packages }: Lockfile): string | undefined {
  const own = packages[path];
  if (own !== undefined) return own.version;
  const holder = path.slice(0, path.lastIndexOf(FOLDER));
  if (holder === '') return undefined;
  const above = holder.slice(0, Math.max(holder.lastIndexOf(FOLDER), 0));
  return versionFound(`${above}${FOLDER}${nameAt(path)}`, { packages });
}

function nameAt(path: string): string {
  return path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);
}
