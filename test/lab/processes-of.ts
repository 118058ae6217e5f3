// SPDX-License-Identifier: Apache-2.0

// Which processes belong to a lab, by what the kernel says of each: its network
// namespace is a host's, or its cgroup is one that the lab's containers live in.

import { readdir, readFile, readlink, stat } from 'node:fs/promises';

export interface Belonging {
  /** Network namespaces by name below /run/netns. */
  readonly namespaces: readonly string[];
  /** A cgroup path prefix that ends in a slash, as in /berth-lab/NAME/. */
  readonly cgroupPrefix: string;
}

/** Ids of all processes that belong, without our own. */
export async function processesOf({ namespaces, cgroupPrefix }: Belonging): Promise<number[]> {
  const links = new Set(await Promise.all(namespaces.map(namespaceLink)));
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const belongs = await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid) return false;
      // A process may end while we look at it: then it belongs to nobody.
      const link = await readlink(`/proc/${pid}/ns/net`).catch(() => undefined);
      if (link !== undefined && links.has(link)) return true;
      return isInCgroup(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''), cgroupPrefix);
    }),
  );
  return pids.filter((_, position) => belongs[position]);
}

/** True when a line of /proc/PID/cgroup (hierarchy:controllers:path) has a path below the prefix. */
export function isInCgroup(text: string, prefix: string): boolean {
  return text.split('\n').some((line) => {
    const path = line.split(':').slice(2).join(':');
    return `${path}/`.startsWith(prefix);
  });
}

/** The command line of a process with blanks between its arguments; empty when it is gone. */
export async function commandLineOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ').trimEnd();
}

async function namespaceLink(name: string): Promise<string> {
  const found = await stat(`/run/netns/${name}`).catch(() => undefined);
  // An unmounted namespace file is a plain file on another device; its inode number means nothing.
  return found === undefined ? '' : `net:[${found.ino}]`;
}
