// SPDX-License-Identifier: Apache-2.0

// A tar stream (POSIX.1-1988 ustar) that depends on names and contents alone:
// entries sorted, owner root, time zero, modes reduced to what matters. The
// same tree gives the same bytes on every machine.

import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

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

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const FILE_TYPE = { file: '0', symbolicLink: '2', folder: '5' } as const;

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

/** The bytes of a tar archive with these entries. */
export async function* tarStream(entries: Iterable<TarEntry> | AsyncIterable<TarEntry>): AsyncGenerator<Buffer> {
  for await (const entry of entries) {
    yield encodeHeader(entry);
    if (Buffer.isBuffer(entry.body)) {
      yield entry.body;
      yield padding(entry.body.length);
    } else if (typeof entry.body === 'object' && 'file' in entry.body) {
      yield* fileBytes(entry.body.file, entry.body.lengthBytes);
      yield padding(entry.body.lengthBytes);
    }
  }
  // Two empty blocks end an archive.
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

/** One header block. Throws on a path that ustar cannot hold. */
export function encodeHeader(entry: TarEntry): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const { name, prefix } = splitPath(entry.path);
  header.write(name, 0);
  header.write(octal(entry.mode, 8), 100);
  header.write(octal(0, 8), 108); // owner
  header.write(octal(0, 8), 116); // group
  header.write(octal(lengthOf(entry), 12), 124);
  header.write(octal(0, 12), 136); // time of change
  header.write('        ', 148); // the checksum counts its own field as blanks
  header.write(typeOf(entry), 156);
  header.write(linkTarget(entry), 157);
  header.write('ustar\u000000', 257);
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

async function* fileBytes(file: string, lengthBytes: number): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    read += chunk.length;
    yield chunk;
  }
  if (read !== lengthBytes) throw new Error(`tar: ${JSON.stringify(file)}: changed while it was read`);
}

function padding(lengthBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (lengthBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Octal digits and a closing zero byte, as wide as the field. */
function octal(value: number, fieldBytes: number): string {
  const digits = value.toString(8);
  if (digits.length >= fieldBytes) throw new Error(`tar: ${value} does not fit ${fieldBytes - 1} octal digits`);
  return `${digits.padStart(fieldBytes - 1, '0')}\0`;
}

function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= NAME_BYTES) return { name: path, prefix: '' };
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    const fits = Buffer.byteLength(prefix) <= PREFIX_BYTES && Buffer.byteLength(name) <= NAME_BYTES;
    if (fits && name !== '') return { name, prefix };
  }
  throw new Error(`tar: path too long for ustar: ${JSON.stringify(path)}`);
}

function lengthOf({ body }: TarEntry): number {
  if (Buffer.isBuffer(body)) return body.length;
  return typeof body === 'object' && 'file' in body ? body.lengthBytes : 0;
}

function typeOf({ body }: TarEntry): string {
  if (body === 'folder') return FILE_TYPE.folder;
  return 'linkTo' in body ? FILE_TYPE.symbolicLink : FILE_TYPE.file;
}

function linkTarget({ body }: TarEntry): string {
  const target = typeof body === 'object' && 'linkTo' in body ? body.linkTo : '';
  if (Buffer.byteLength(target) > NAME_BYTES)
    throw new Error(`tar: link too long for ustar: ${JSON.stringify(target)}`);
  return target;
}

function fileMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}

/** /tmp keeps its sticky bit; other folders are the owner's to write. */
function folderMode(mode: number): number {
  return (mode & 0o1000) === 0 ? 0o755 : 0o1777;
}
