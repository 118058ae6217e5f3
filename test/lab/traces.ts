// SPDX-License-Identifier: Apache-2.0

// What a lab could leave on this machine, for the test that it leaves nothing.

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { commandLineOf } from './members.ts';
import { existingNamespaces, namespacesOf } from './network.ts';
import { run } from './run.ts';
import { labPaths } from './state.ts';
import { bundlesOf, mountsBelow, shimSocketOf } from './tear-down.ts';

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

/**
 * What the lab's present containers have outside its folders: cgroups, sockets of their shims, notes of their network.
 */
export async function containerTracesOf(labName: string): Promise<string[]> {
  const trees = await readdir('/sys/fs/cgroup').catch(() => []);
  const folders = ['', ...trees].map((tree) => join('/sys/fs/cgroup', tree, 'k8s.io'));
  const bundles = await bundlesOf(labPaths(labName));
  const ids = bundles.map((bundle) => basename(bundle));
  const listed = await Promise.all([...folders, '/var/lib/cni/results'].map((folder) => entriesNaming(ids, folder)));
  return [...listed.flat(), ...(await Promise.all(bundles.map(shimSocketOf))).filter((file) => file !== undefined)];
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

async function entriesNaming(ids: readonly string[], folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => ids.some((id) => name.includes(id))).map((name) => join(folder, name));
}
