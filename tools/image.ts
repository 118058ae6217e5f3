// SPDX-License-Identifier: Apache-2.0

// `npm run image`: the one image of controller and speaker, as an OCI archive, without a daemon. From scratch: Node, the
// shared libraries that it asks for, the bundles and the addon. There is no shell and no package manager in it. Where there is a cross
// compiler a second archive is written for arm64.

import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddon } from '../packages/link/build.ts';
import { bundleDaemons, daemonFolder } from './bundle.ts';
import { arm64Obstacle, arm64Parts, type ForeignParts } from './foreign-image.ts';
import { writeOciArchive } from './oci-archive.ts';

const ROOT_FOLDER = 'build/image/root';
const ARCHIVE = 'build/image/berth.tar';
const ARM64_ARCHIVE = 'build/image/berth-arm64.tar';
const NODE = '/usr/bin/node';

/** The image's name and tag, as manifests/kustomization.yaml has it. */
export async function imageReference(): Promise<string> {
  const kustomization = await readFile('manifests/kustomization.yaml', 'utf8');
  const name = /newName: (\S+)/.exec(kustomization)?.[1];
  const tag = /newTag: (\S+)/.exec(kustomization)?.[1];
  if (name === undefined || tag === undefined)
    throw new Error('image: manifests/kustomization.yaml: no newName or newTag');
  return `${name}:${tag}`;
}

/** Builds the image and returns the path of its archive; 'none' is quicker to load on the same machine. */
export async function buildImage(compression: 'gzip' | 'none' = 'none'): Promise<string> {
  await bundleDaemons();
  const libraries = new Map(sharedLibraries(process.execPath).map((path) => [path, path]));
  await fillRoot({ node: process.execPath, addon: buildAddon(), libraries });
  await writeArchive(ARCHIVE, compression);
  return ARCHIVE;
}

/** The same for arm64; the bundles are those of the last build. Wants a cross compiler. */
export async function buildArm64Image(): Promise<string> {
  await fillRoot(await arm64Parts());
  await writeArchive(ARM64_ARCHIVE, 'gzip', 'arm64');
  return ARM64_ARCHIVE;
}

async function fillRoot({ node, addon, libraries }: ForeignParts): Promise<void> {
  await rm(ROOT_FOLDER, { recursive: true, force: true });
  await copyInto(node, NODE);
  for (const [place, file] of libraries) await copyInto(file, place);
  await cp(daemonFolder, join(ROOT_FOLDER, 'berth'), { recursive: true });
  await copyInto(addon, '/berth/link.node');
  await writeInto('/berth/package.json', '{ "type": "module" }\n');
  await writeInto('/etc/passwd', 'root:x:0:0:root:/:/nologin\nnobody:x:65534:65534:nobody:/:/nologin\n');
}

async function writeArchive(output: string, compression: 'gzip' | 'none', architecture?: 'arm64'): Promise<void> {
  await writeOciArchive({
    rootFolder: ROOT_FOLDER,
    reference: await imageReference(),
    config: { Entrypoint: [NODE], Cmd: ['/berth/controller.js'], Env: ['NODE_ENV=production'], WorkingDir: '/' },
    output,
    compression,
    ...(architecture && { architecture }),
  });
}

/** Returns the absolute paths under which the dynamic linker finds what a program needs, the linker's own among them. */
function sharedLibraries(program: string): string[] {
  const listing = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...listing.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

async function copyInto(source: string, target: string): Promise<void> {
  const path = join(ROOT_FOLDER, target);
  await mkdir(dirname(path), { recursive: true });
  // Libraries are symbolic links to a file with the full version; the image has the name that is asked for.
  await copyFile(await realpath(source), path);
}

async function writeInto(target: string, text: string): Promise<void> {
  const path = join(ROOT_FOLDER, target);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await tell(await buildImage('gzip'));
  const obstacle = process.arch === 'arm64' ? 'this machine is arm64' : arm64Obstacle();
  if (obstacle === undefined) await tell(await buildArm64Image());
  else console.log(obstacle);
}

async function tell(archive: string): Promise<void> {
  const { size } = await stat(archive);
  console.log(`${await imageReference()} is in ${archive} (${(size / 1e6).toFixed(0)} MB)`);
}
