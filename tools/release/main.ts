// SPDX-License-Identifier: Apache-2.0

// `npm run release [-- --registry HOST/PATH] [--url BASE]`: everything that a person installs from, in build/release.
// Nothing is published; RELEASING.md says what a maintainer does with it. Two runs over one tree write the same bytes.

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { pageSources } from '@berth/dashboard/build';
import { bundleCommand } from '../bundle.ts';
import { arm64Obstacle, arm64Parts } from '../foreign-image.ts';
import { buildImageIndex, imagePackages, imageReference, rootFolderOf } from '../image.ts';
import type { Architecture } from '../oci-archive.ts';
import { type TarEntry, tarStream } from '../tar.ts';
import { startArm64 } from './arm64-start.ts';
import { writeChart } from './chart-archive.ts';
import { installYaml } from './install-yaml.ts';
import { krewManifest, type PluginArchive } from './krew.ts';
import { NOTICES, noticesOf } from './notices.ts';
import { writePluginArchive } from './plugin-archive.ts';
import { sbom } from './sbom.ts';
import { makeBlob, writeExecutable } from './single-executable.ts';

const FOLDER = 'build/release';

/** What people read who have no network, beside the files of the release. */
const PAGES = ['README.md', 'CHANGELOG.md', 'LICENSE', 'NOTICE', 'docs'] as const;

interface Release {
  readonly version: string;
  /** Without it the image goes by tag, and must be imported into the nodes. */
  readonly registry: string | undefined;
  readonly baseUrl: string;
}

const at = (name: string) => join(FOLDER, name);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { registry: { type: 'string' }, url: { type: 'string' } } });
  const obstacle = process.arch === 'arm64' ? 'the release is built on amd64' : arm64Obstacle();
  if (obstacle !== undefined) throw new Error(`release: ${obstacle}`);
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await writeAll({ version, registry: values.registry, baseUrl: values.url ?? `file://${process.cwd()}/${FOLDER}` });
  console.log(startArm64(at('kubectl-berth-linux-arm64'), rootFolderOf('arm64')));
  for (const name of (await readdir(FOLDER)).sort())
    console.log(`${((await stat(at(name))).size / 1e6).toFixed(1).padStart(7)} MB  ${at(name)}`);
}

async function writeAll(release: Release): Promise<void> {
  const { version, registry } = release;
  const images = `berth-${version}-images.tar`;
  const { digest } = await buildImageIndex({ reference: await imageReference(), output: at(images) });
  const published = registry === undefined ? undefined : { repository: `${registry}/berth`, digest };
  await writeFile(
    at('install.yaml'),
    await installYaml(published ? `${published.repository}@${digest}` : await imageReference()),
  );
  const chart = `berth-${version}.tgz`;
  await writeChart(at(chart), published);
  await writePlugin(release);
  await writeFile(at('sbom.cdx.json'), sbom(version, await imagePackages()));
  for (const page of ['CHANGELOG.md', 'LICENSE']) await copyFile(page, at(page));
  await writeBundle(version, [images, chart, 'install.yaml', 'sbom.cdx.json', NOTICES, ...(await pluginFiles())]);
  await writeSums();
}

/**
 * The plug-in as a script for any Node from 20 on, and as a single executable for each architecture, also packed for
 * krew.
 */
async function writePlugin({ version, baseUrl }: Release): Promise<void> {
  const sources = await bundleCommand(at('kubectl-berth.js'));
  await writeFile(at(NOTICES), await noticesOf([...sources, ...(await pageSources())]));
  const nodes = { amd64: process.execPath, arm64: (await arm64Parts()).node } as const;
  const archives: PluginArchive[] = [];
  for (const architecture of ['amd64', 'arm64'] as const) {
    const executable = at(`kubectl-berth-linux-${architecture}`);
    const node = nodes[architecture];
    const blob = await makeBlob(at('kubectl-berth.js'), { isOwnNode: node === process.execPath });
    await writeExecutable(executable, { node, blob });
    archives.push(await packPlugin(executable, architecture));
  }
  await writeFile(at('berth.krew.yaml'), krewManifest(archives, { version, baseUrl }));
}

async function packPlugin(executable: string, architecture: Architecture): Promise<PluginArchive> {
  const name = `kubectl-berth-linux-${architecture}.tar.gz`;
  await writePluginArchive(at(name), { executable, notices: at(NOTICES) });
  return { architecture, name, sha256: await sha256Of(at(name)) };
}

async function pluginFiles(): Promise<string[]> {
  return (await readdir(FOLDER)).filter((name) => name.startsWith('kubectl-berth') && !name.endsWith('.gz'));
}

/** All of it in one file, for who carries it to where there is no network. */
async function writeBundle(version: string, names: readonly string[]): Promise<void> {
  const root = `berth-${version}`;
  const entries: TarEntry[] = [];
  for (const name of [...names].sort()) {
    const isProgram = name.startsWith('kubectl-berth');
    entries.push(await fileEntry(`${root}/${name}`, at(name), isProgram ? 0o755 : 0o644));
  }
  for (const page of PAGES)
    for (const file of await filesBelow(page)) entries.push(await fileEntry(`${root}/${file}`, file, 0o644));
  await pipeline(tarStream(entries), createWriteStream(at(`berth-${version}-airgap.tar`)));
}

async function filesBelow(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path];
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function writeSums(): Promise<void> {
  const names = (await readdir(FOLDER)).sort();
  const lines = await Promise.all(names.map(async (name) => `${await sha256Of(at(name))}  ${name}\n`));
  await writeFile(at('SHA256SUMS'), lines.join(''));
}

async function fileEntry(path: string, file: string, mode: number): Promise<TarEntry> {
  return { path, mode, body: { file, lengthBytes: (await stat(file)).size } };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

await main();
