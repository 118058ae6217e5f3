// SPDX-License-Identifier: Apache-2.0

/** The body of a watch: one JSON document a line. */

import { StringDecoder } from 'node:string_decoder';
import type { WatchEvent } from './api.ts';
import { type ApiStatus, codeOfStatus, KubeError } from './errors.ts';
import type { KubeObject } from './object.ts';

/** Yields the complete lines of a byte stream; blank ones and an unfinished last one are left out. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
}

/**
 * Returns the event of one line. Throws a KubeError for an ERROR event ("gone" for code 410) and for what is no event.
 */
export function decodeWatchLine<T extends KubeObject>(line: string, path: string): WatchEvent<T> {
  const event = parse(line, path);
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: event.object as T };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: (event.object as T).metadata.resourceVersion ?? '' };
    case 'ERROR':
      throw errorIn(event.object as ApiStatus, path);
    default:
      throw new KubeError('bad-response', `WATCH ${path}: unknown event type "${String(event.type)}"`);
  }
}

function parse(line: string, path: string): { readonly type?: unknown; readonly object?: unknown } {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event === 'object' && event !== null) return event;
  } catch (cause) {
    throw new KubeError('bad-response', `WATCH ${path}: line is not JSON`, { cause });
  }
  throw new KubeError('bad-response', `WATCH ${path}: line is no event`);
}

function errorIn(status: ApiStatus, path: string): KubeError {
  const code = status.code ?? 500;
  const seconds = status.details?.retryAfterSeconds;
  return new KubeError(codeOfStatus(code, status.reason), `WATCH ${path}: ${code} ${status.message ?? ''}`, {
    status: code,
    retryAfterMs: seconds ? seconds * 1000 : undefined,
  });
}
