// SPDX-License-Identifier: Apache-2.0
/** Files as a tar archive. */
import { pack } from 'tar-stream';

export interface ArchiveFile {
  /** Path inside the archive. */
  readonly name: string;
  readonly text: string;
}

/** For the owner alone: it tells of a network. */
const MODE = 0o600;

export async function archiveOf(files: readonly ArchiveFile[], at: Date): Promise<Uint8Array> {
  const tar = pack();
  for (const { name, text } of files) tar.entry({ name, mode: MODE, mtime: at }, text);
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
