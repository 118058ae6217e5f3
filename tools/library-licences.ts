// SPDX-License-Identifier: Apache-2.0

// The licences of the shared libraries in the image, as Debian ships them: the copyright file of each package that a
// library comes from, and the texts that those files name.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';

const DOCUMENTS = '/usr/share/doc';
/** A copyright file ends a sentence with the name of a text. */
const COMMON_TEXT = /\/usr\/share\/common-licenses\/[A-Za-z]+(?:-\d+(?:\.\d+)*)?/g;

/**
 * Names of the Debian packages that these files belong to, sorted. Empty on a machine that has no dpkg; throws on a
 * file that no package has, since somebody has to look for its licence.
 */
export function debianPackagesOf(files: readonly string[]): readonly string[] {
  const paths = files.map((file) => realpathSync(file));
  // Packages may name the folders from before /bin and /lib became links into /usr.
  const { error, stdout } = spawnSync('dpkg', ['--search', ...paths.flatMap(namesOf)], { encoding: 'utf8' });
  if (error) return [];
  const owners = new Map(
    [...stdout.matchAll(/^([^\s:,]+)(?::[^\s,]+)?: (\/.*)$/gm)].map(([, name = '', path = '']) => [path, name]),
  );
  const packages = paths.map((path) => {
    const owner = namesOf(path).flatMap((name) => owners.get(name) ?? [])[0];
    if (owner === undefined) throw new Error(`licences: ${path}: belongs to no Debian package`);
    return owner;
  });
  return [...new Set(packages)].sort();
}

/** The files that tell the licences of these packages; each has the same place on this machine and in an image. */
export function licenceFilesOf(packages: readonly string[]): readonly string[] {
  const files = packages.map((name) => `${DOCUMENTS}/${name}/copyright`);
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`licences: ${missing}: not there`);
  const named = files.flatMap((file) => readFileSync(file, 'utf8').match(COMMON_TEXT) ?? []);
  return [...files, ...[...new Set(named)].sort()];
}

function namesOf(path: string): readonly string[] {
  return path.startsWith('/usr/') ? [path, path.slice('/usr'.length)] : [path];
}
