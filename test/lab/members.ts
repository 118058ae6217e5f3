// SPDX-License-Identifier: Apache-2.0

// Which processes belong to a lab or to one of its hosts: those whose network
// namespace is the host's own or one of its pods'. That is the kernel's word,
// good also when our records are lost.

import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { existingNamespaces, namespaceName, namespacesOf } from './network.ts';
import type { LabPaths } from './state.ts';

/** Where containerd keeps the network namespaces of pods, below its state folder. */
const POD_NAMESPACES = 'io.containerd.grpc.v1.cri/netns';

/** State folder of a host's containerd. */
export function containerdState(paths: LabPaths, host: string): string {
  return join(paths.run, host, 'containerd');
}

/** Ids of all processes on all hosts of a lab. */
export async function processesOfLab(paths: LabPaths): Promise<number[]> {
  const named = namespacesOf(paths.name, await existingNamespaces());
  const hosts = await readdir(paths.run).catch(() => []);
  return processesIn([...named.map(namespaceFile), ...(await podNamespaces(paths, hosts))]);
}

/** Ids of all processes on one host: its own programs and those of its pods. */
export async function processesOfHost(paths: LabPaths, host: string): Promise<number[]> {
  return processesIn([namespaceFile(namespaceName(paths.name, host)), ...(await podNamespaces(paths, [host]))]);
}

/** The command line of a process with blanks between its arguments; empty when it is gone. */
export async function commandLineOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ').trimEnd();
}

/** True for the command line of a speaker: bundled in its image, or run from the tree. */
export function isSpeaker(commandLine: string): boolean {
  return /\bspeaker(\.[cm]?js|\/(src|dist)\/main\.(ts|js))\b/.test(commandLine);
}

export function isKubeProxy(commandLine: string): boolean {
  return /^\S*\bkube-proxy\s/.test(commandLine);
}

async function processesIn(namespaceFiles: readonly string[]): Promise<number[]> {
  const links = new Set(await Promise.all(namespaceFiles.map(namespaceLink)));
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  // A process may end while we look at it: then it belongs to no one.
  const linkOf = (pid: number) => readlink(`/proc/${pid}/ns/net`).catch(() => '-');
  const belongs = await Promise.all(pids.map(async (pid) => pid !== process.pid && links.has(await linkOf(pid))));
  return pids.filter((_, position) => belongs[position]);
}

async function podNamespaces(paths: LabPaths, hosts: readonly string[]): Promise<string[]> {
  const folders = hosts.map((host) => join(containerdState(paths, host), POD_NAMESPACES));
  const listed = await Promise.all(
    folders.map(async (folder) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name))),
  );
  return listed.flat();
}

function namespaceFile(name: string): string {
  return join('/run/netns', name);
}

/** The text of /proc/PID/ns/net of a process in this namespace; no such text when the file is gone. */
async function namespaceLink(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? '' : `net:[${found.ino}]`;
}
