// SPDX-License-Identifier: Apache-2.0

// A tar stream (POSIX.1-1988 ustar) that depends on names and contents alone:
// entries sorted, owner root, time zero, modes reduced to what matters. The
// same tree gives the same bytes on every machine.

import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';

export interface TarEntry {
  /** Path in the archive, without a leading slash; a folder ends in one. */
  readonly path: string;
  readonly mode: number;
  readonly body:
    | Buffer
    | { readonly file: string; readonly lengthBytes: number }
    | { readonly linkTo: string }
    | 'folder';
}

/** What an archive says of every entry, whoever made the tree and when. */
const OWNERLESS = { uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) } as const;

/** Every entry below a folder, sorted by path. Sockets and devices are refused. */
export async function* entriesOf(rootFolder: string, below = ''): AsyncGenerator<TarEntry> {
  const names = (await readdir(join(rootFolder, below))).sort();
  for (const name of names) {
    const path = below === '' ? name : `${below}/${name}`;
    const file = join(rootFolder, path);
    const found = await lstat(file);
    if (found.isSymbolicLink()) yield { path, mode: 0o777, body: { linkTo: await readlink(file) } };
    else if (found.isFile()) yield { path, mode: fileMode(found.mode), body: { file, lengthBytes: found.size } };
    else if (found.isDirectory()) {
      yield { path: `${path}/`, mode: folderMode(found.mode), body: 'folder' };
      yield* entriesOf(rootFolder, path);
    } else throw new Error(`tar: ${JSON.stringify(file)}: neither a file nor a folder nor a link`);
  }
}

/**
 * The bytes of a tar archive with these entries. What ustar cannot hold, such as a path of more than 255 bytes, is
 * written as a pax header. Fails when a file changes its length while it is read.
 */
export async function* tarStream(entries: Iterable<TarEntry> | AsyncIterable<TarEntry>): AsyncGenerator<Buffer> {
  const archive = pack();
  writeAll(archive, entries).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  yield* archive as AsyncIterable<Buffer>;
}

async function writeAll(archive: Pack, entries: Iterable<TarEntry> | AsyncIterable<TarEntry>): Promise<void> {
  for await (const { path, mode, body } of entries) {
    const header = { ...OWNERLESS, name: path, mode };
    if (body === 'folder') archive.entry({ ...header, type: 'directory' });
    else if (Buffer.isBuffer(body)) archive.entry(header, body);
    else if ('linkTo' in body) archive.entry({ ...header, type: 'symlink', linkname: body.linkTo });
    // The length is checked by the archive: what was read must be what the header says.
    else await pipeline(createReadStream(body.file), archive.entry({ ...header, size: body.lengthBytes }));
  }
}

function fileMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}

/** /tmp keeps its sticky bit; other folders are the owner's to write. */
function folderMode(mode: number): number {
  return (mode & 0o1000) === 0 ? 0o755 : 0o1777;
}
