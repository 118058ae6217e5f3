// SPDX-License-Identifier: Apache-2.0
/** A file of the page, as it is sent. */
import { gunzipSync, gzipSync } from 'node:zlib';

export interface PageFile {
  /** Its Content-Type. */
  readonly type: string;
  /** Compressed, as it is kept: the plug-in stays small, and nearly every browser takes it like this. */
  readonly gzip: Buffer;
  /** The text, for whoever takes no gzip. */
  text(): string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  md: 'text/markdown; charset=utf-8',
};

/** A file by its name and its compressed content. */
export function pageFile(path: string, gzip: Buffer): PageFile {
  const type = TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  return { type, gzip, text: () => gunzipSync(gzip).toString('utf8') };
}

/** The smallest that gzip makes of a text. */
export function compressed(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}
