// SPDX-License-Identifier: Apache-2.0

// The files of the project: tracked by git or new and not ignored.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface SourceFile {
  /** Relative to the root of the repository, with forward slashes. */
  path: string;
  text: string;
}

/** Returns all files of the project that hold source text, sorted by path. */
export function trackedFiles(): SourceFile[] {
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' });
  return listing
    .split('\n')
    .filter((path) => /\.(tsx?|css|c|h|go|sh)$/.test(path) && existsSync(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}
