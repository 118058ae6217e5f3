// SPDX-License-Identifier: Apache-2.0

// `npm run image`: the one image of controller and speaker, as an OCI archive, without a daemon. From scratch: Node,
// the shared libraries that it asks for with their licences, the bundles, the addon and the keeper. There is no shell
// and no package manager in it. Where there is a cross compiler the archive holds it for amd64 and for arm64.

import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddon, buildKeeper } from '../packages/link/build.ts';
import { bundleDaemons, daemonFolder } from './bundle.ts';
import { arm64Obstacle, arm64Parts, type ForeignParts } from './foreign-image.ts';
import { debianPackagesOf, licenceFilesOf } from './library-licences.ts';
import {
  type Architecture,
  type ArchiveFile,
  type OciImage,
  type WrittenArchive,
  writeOciArchive,
  writeOciIndex,
} from './oci-archive.ts';

const FOLDER = 'build/image';
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
  const output = join(FOLDER, 'berth.tar');
  const image = { ...(await ownImage()), compression };
  await writeOciArchive({ ...image, reference: await imageReference(), output });
  return output;
}

/**
 * Writes the images of both architectures under one name, for whichever machine reads the archive. Wants a cross
 * compiler; see {@link arm64Obstacle}.
 */
export async function buildImageIndex(file: ArchiveFile): Promise<WrittenArchive> {
  await bundleDaemons();
  return writeOciIndex(file, [await ownImage(), await arm64Image()]);
}

/** Debian's packages whose libraries the images of both architectures hold. */
export async function imagePackages(): Promise<readonly string[]> {
  const { libraries } = await arm64Parts();
  return [...debianPackagesOf(sharedLibraries(process.execPath)), ...debianPackagesOf([...libraries.values()])];
}

/** Where the files of an image lie that was built. */
export function rootFolderOf(architecture: Architecture): string {
  return join(FOLDER, `root-${architecture}`);
}

async function ownImage(): Promise<OciImage> {
  const libraries = new Map(sharedLibraries(process.execPath).map((path) => [path, path]));
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  return imageOf(architecture, { node: process.execPath, addon: buildAddon(), keeper: buildKeeper(), libraries });
}

async function arm64Image(): Promise<OciImage> {
  return imageOf('arm64', await arm64Parts());
}

async function imageOf(architecture: Architecture, parts: ForeignParts): Promise<OciImage> {
  const rootFolder = rootFolderOf(architecture);
  await fillRoot(rootFolder, parts);
  const { version, license } = JSON.parse(await readFile('package.json', 'utf8')) as Record<string, string>;
  const labels = {
    'org.opencontainers.image.title': 'berth',
    'org.opencontainers.image.version': version ?? '',
    'org.opencontainers.image.licenses': license ?? '',
  };
  return {
    rootFolder,
    architecture,
    config: {
      Entrypoint: [NODE],
      Cmd: ['/berth/controller.js'],
      Env: ['NODE_ENV=production'],
      WorkingDir: '/',
      Labels: labels,
    },
  };
}

async function fillRoot(root: string, { node, addon, keeper, libraries }: ForeignParts): Promise<void> {
  await rm(root, { recursive: true, force: true });
  await copyInto(root, node, NODE);
  for (const [place, file] of libraries) await copyInto(root, file, place);
  for (const file of licenceFilesOf(debianPackagesOf([...libraries.values()]))) await copyInto(root, file, file);
  await cp(daemonFolder, join(root, 'berth'), { recursive: true });
  await copyInto(root, addon, '/berth/link.node');
  await copyInto(root, keeper, '/berth/keeper');
  await writeInto(root, '/berth/package.json', '{ "type": "module" }\n');
  await writeInto(root, '/etc/passwd', 'root:x:0:0:root:/:/nologin\nnobody:x:65534:65534:nobody:/:/nologin\n');
}

/**
 * Returns the absolute paths under which the dynamic linker finds what a program needs, the linker's own among them.
 */
export function sharedLibraries(program: string): string[] {
  const listing = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...listing.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

async function copyInto(root: string, source: string, target: string): Promise<void> {
  const path = join(root, target);
  await mkdir(dirname(path), { recursive: true });
  // Libraries are symbolic links to a file with the full version; the image has the name that is asked for.
  await copyFile(await realpath(source), path);
}

async function writeInto(root: string, target: string, text: string): Promise<void> {
  const path = join(root, target);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const obstacle = process.arch === 'arm64' ? 'this machine is arm64' : arm64Obstacle();
  if (obstacle === undefined) {
    const output = join(FOLDER, 'berth.tar');
    await mkdir(FOLDER, { recursive: true });
    await buildImageIndex({ reference: await imageReference(), output });
    await tell(output);
  } else {
    console.log(`no image for arm64 in it: ${obstacle}`);
    await tell(await buildImage('gzip'));
  }
}

async function tell(archive: string): Promise<void> {
  const { size } = await stat(archive);
  console.log(`${await imageReference()} is in ${archive} (${(size / 1e6).toFixed(0)} MB)`);
}
