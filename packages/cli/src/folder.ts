// SPDX-License-Identifier: Apache-2.0
/** The files of a folder. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Paths of the files in a folder and below it, in order; undefined where it is no folder. What begins with a dot
 * (`.git`) is left out.
 */
export async function listFolder(name: string): Promise<readonly string[] | undefined> {
  if (name === '-' || !(await stat(name)).isDirectory()) return undefined;
  return filesBelow(name);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => !entry.name.startsWith('.'));
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      // A ConfigMap that is mounted is all links. Links to folders are left out: they may lead back here.
      const isFile = entry.isSymbolicLink() ? (await stat(path)).isFile() : entry.isFile();
      return isFile ? [path] : [];
    }),
  );
  return found.flat().sort();
}
