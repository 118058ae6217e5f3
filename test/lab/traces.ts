// SPDX-License-Identifier: Apache-2.0

// What a lab could leave on this machine, for the test that it leaves nothing.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLineOf } from './members.ts';
import { existingNamespaces, namespacesOf } from './network.ts';
import { run } from './run.ts';
import { labPaths } from './state.ts';
import { mountsBelow } from './tear-down.ts';

/** Everything on this machine that names the lab or that only its containers can have made, sorted. */
export async function tracesOf(labName: string): Promise<string[]> {
  const paths = labPaths(labName);
  const folders = [paths.run, paths.data];
  const found = [
    ...namespacesOf(labName, await existingNamespaces()).map((name) => `namespace ${name}`),
    ...(await linksOf(labName)).map((name) => `link ${name}`),
    ...mountsBelow(folders, await readFile('/proc/self/mountinfo', 'utf8')).map((point) => `mount ${point}`),
    ...(await processesNaming(folders)).map((text) => `process ${text}`),
    ...(await present(folders)).map((folder) => `folder ${folder}`),
  ];
  return found.sort();
}

/** Containers of all labs, where containerd keeps them outside the folders of a lab: cgroups, sockets, notes. */
export async function containerTraces(): Promise<string[]> {
  const trees = await readdir('/sys/fs/cgroup').catch(() => []);
  const cgroups = ['', ...trees].map((tree) => join('/sys/fs/cgroup', tree, 'k8s.io'));
  const listed = await Promise.all([
    ...cgroups.map((folder) => idsIn(folder)),
    idsIn('/run/containerd/s'),
    idsIn('/var/lib/cni/results'),
  ]);
  return listed.flat().sort();
}

async function linksOf(labName: string): Promise<string[]> {
  const links: { ifname: string; ifalias?: string }[] = JSON.parse(await run(['ip', '-json', 'link', 'show']));
  return links.filter((link) => link.ifalias === `berth-lab:${labName}`).map((link) => link.ifname);
}

async function processesNaming(folders: readonly string[]): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const texts = await Promise.all(pids.map((pid) => commandLineOf(Number(pid))));
  return texts.filter((text) => folders.some((folder) => text.includes(`${folder}/`)));
}

async function present(folders: readonly string[]): Promise<string[]> {
  const listed = await Promise.all(folders.map((folder) => readdir(folder).catch(() => undefined)));
  return folders.filter((_, position) => listed[position] !== undefined);
}

/** Entries that carry the 64 hexadecimal digits of a container or of a shim's socket. */
async function idsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /[0-9a-f]{64}/.test(name)).map((name) => join(folder, name));
}
