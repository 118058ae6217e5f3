// SPDX-License-Identifier: Apache-2.0

// The archive of the plug-in that krew unpacks: the program and what it must not be given away without.

import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type TarEntry, tarStream } from '../tar.ts';
import { NOTICES } from './notices.ts';

export interface PluginParts {
  /** Path of the executable. */
  readonly executable: string;
  /** Path of the notices of others. */
  readonly notices: string;
}

/** Names in the archive, in its order. */
export const PLUGIN_FILES = ['LICENSE', NOTICES, 'kubectl-berth'] as const;

export async function writePluginArchive(output: string, { executable, notices }: PluginParts): Promise<void> {
  const places = { LICENSE: 'LICENSE', [NOTICES]: notices, 'kubectl-berth': executable };
  const entries: TarEntry[] = [];
  for (const path of PLUGIN_FILES) {
    const file = places[path];
    const mode = path === 'kubectl-berth' ? 0o755 : 0o644;
    entries.push({ path, mode, body: { file, lengthBytes: (await stat(file)).size } });
  }
  await pipeline(tarStream(entries), createGzip(), createWriteStream(output));
}
