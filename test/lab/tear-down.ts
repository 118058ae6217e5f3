// SPDX-License-Identifier: Apache-2.0

// Takes a lab down from any state, also after half of it was killed. What
// belongs to a lab is read from the kernel, not from our notes: processes by
// their network namespace, mounts by their folder.

import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { containerdState, processesOfLab } from './members.ts';
import { removeNetwork } from './network.ts';
import { recordedProcesses, signalProcess } from './processes.ts';
import { tryRun } from './run.ts';
import type { LabPaths } from './state.ts';
import { waitUntil } from './wait.ts';

const CGROUP_ROOT = '/sys/fs/cgroup';
/** How long a container's last process may take to be gone after it was killed. */
const IDLE_TIMEOUT_MS = 10_000;
/** The cgroup that containerd puts the kubelet's containers in. */
const CONTAINER_CGROUP = 'k8s.io';
/** Where containerd's state folder keeps one bundle per running container. */
const BUNDLES = 'io.containerd.runtime.v2.task/k8s.io';
/** Where every shim of this machine has its socket: containerd has no setting for it. */
const SHIM_SOCKETS = '/run/containerd/s';
/** From bind to listen a shim takes much less; until then its socket refuses as a dead one does. */
const SHIM_START_MS = 5_000;
/** Where the CNI library notes what it gave to each pod. */
const CNI_RESULTS = '/var/lib/cni/results';

/** Removes everything of the lab. Idempotent; the caller holds the lab's lock. */
export async function tearDown(paths: LabPaths): Promise<void> {
  await killProcesses(paths);
  await removeMounts([paths.run, paths.data]);
  await removeTraces(paths);
  await removeNetwork(paths.name);
  await rm(paths.data, { recursive: true, force: true });
  // The shape last: as long as anything is left, the lab's index stays reserved.
  await rm(paths.run, { recursive: true, force: true });
}

/** SIGKILL for all at once, again until none is left: a dying supervisor may still have started one. */
async function killProcesses(paths: LabPaths): Promise<void> {
  await waitUntil({
    what: 'the processes of the lab to end',
    timeoutMs: 15_000,
    intervalMs: 20,
    probe: async () => {
      const recorded = (await recordedProcesses(paths)).map((entry) => entry.pid);
      const alive = new Set([...recorded, ...(await processesOfLab(paths))]);
      for (const pid of alive) signalProcess(pid, 'SIGKILL');
      return alive.size === 0;
    },
  });
}

/** Mount points below the folders in /proc/self/mountinfo text, the innermost first. */
export function mountsBelow(folders: readonly string[], mountinfo: string): string[] {
  const points = mountinfo.split('\n').map((line) => unescapeMountPoint(line.split(' ')[4] ?? ''));
  return points.filter((point) => folders.some((folder) => `${point}/`.startsWith(`${folder}/`))).reverse();
}

async function removeMounts(folders: readonly string[]): Promise<void> {
  const present = async () => mountsBelow(folders, await readFile('/proc/self/mountinfo', 'utf8'));
  const mounts = await present();
  if (mounts.length > 0) await tryRun(['umount', ...mounts]);
  const left = await present();
  // Something of this machine looks into it; detached, it goes when that ends.
  if (left.length > 0) await tryRun(['umount', '--lazy', ...left]);
}

/**
 * Containers that were killed leave a cgroup, a socket of their shim and a note of their network outside our folders.
 */
async function removeTraces(paths: LabPaths): Promise<void> {
  const bundles = await bundlesOf(paths);
  const trees = await readdir(CGROUP_ROOT).catch(() => []);
  const notes = await readdir(CNI_RESULTS).catch(() => []);
  for (const bundle of bundles) {
    const container = basename(bundle);
    await removeShimSocket(bundle);
    // Cgroup v2 has one tree, v1 one for each controller.
    for (const tree of ['', ...trees]) await removeCgroup(join(CGROUP_ROOT, tree, CONTAINER_CGROUP, container));
    for (const note of notes.filter((name) => name.includes(container)))
      await rm(join(CNI_RESULTS, note), { force: true });
  }
  await removeDeadSockets();
  // Their common parent stays while another lab, or this machine's own containerd, has containers.
  for (const tree of ['', ...trees]) await rmdir(join(CGROUP_ROOT, tree, CONTAINER_CGROUP)).catch(() => {});
}

/** Folders of the lab's present containers, each named by the container's id. */
export async function bundlesOf(paths: LabPaths): Promise<string[]> {
  const bundles: string[] = [];
  for (const host of await readdir(paths.run).catch(() => [])) {
    const folder = join(containerdState(paths, host), BUNDLES);
    for (const container of await readdir(folder).catch(() => [])) bundles.push(join(folder, container));
  }
  return bundles;
}

/** The socket of a container's shim, when its bundle names one. */
export async function shimSocketOf(bundle: string): Promise<string | undefined> {
  const address = await readFile(join(bundle, 'address'), 'utf8').catch(() => '');
  return address.startsWith(`unix://${SHIM_SOCKETS}/`) ? address.slice('unix://'.length) : undefined;
}

async function removeShimSocket(bundle: string): Promise<void> {
  const socket = await shimSocketOf(bundle);
  if (socket !== undefined) await rm(socket, { force: true });
}

/**
 * A shim that was killed while containerd lived has no bundle any more: what is left of it is a socket that refuses.
 */
async function removeDeadSockets(): Promise<void> {
  for (const name of await readdir(SHIM_SOCKETS).catch(() => [])) {
    const file = join(SHIM_SOCKETS, name);
    const bornMs = (await stat(file).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - bornMs > SHIM_START_MS && (await refuses(file))) await rm(file, { force: true });
  }
}

function refuses(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(false);
    });
    connection.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

/** A cgroup is removed with rmdir once it has no children; the files in it are not real ones. */
async function removeCgroup(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  for (const child of entries.filter((entry) => entry.isDirectory())) await removeCgroup(join(folder, child.name));
  // Busy for as long as a process that was killed is not gone for good.
  await waitUntil({ what: `${folder} to be idle`, timeoutMs: IDLE_TIMEOUT_MS, probe: () => removesIdle(folder) });
}

async function removesIdle(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw error;
  }
}

/** mountinfo writes blanks and the like as three octal digits. */
function unescapeMountPoint(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
