// SPDX-License-Identifier: Apache-2.0
/** Server-sent events to every page that is open. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '@berth/runtime';
import { SAFE_HEADERS } from './request-guard.ts';

/** A comment is sent this often, so that a page notices a server that is gone, in milliseconds. */
const BEAT_MS = 5_000;
/** A page that does not read what it is sent is cut off beyond this many bytes; it comes back for all of it. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;

type StreamClock = Pick<Clock, 'now' | 'after'>;

export class EventStreams {
  readonly #clock: StreamClock;
  readonly #open = new Set<ServerResponse>();
  #beat: { cancel(): void } | undefined;
  /** When the last page was closed, on the clock; undefined while one is open, and before the first. */
  #emptySinceMs: number | undefined;

  constructor(clock: StreamClock) {
    this.#clock = clock;
  }

  /** Pages that are open. */
  get count(): number {
    return this.#open.size;
  }

  /** How long no page has been open, in milliseconds; 0 before the first one came. */
  get emptyMs(): number {
    return this.#emptySinceMs === undefined ? 0 : this.#clock.now() - this.#emptySinceMs;
  }

  /** Opens a stream that begins with one message. */
  add(response: ServerResponse, first: string): void {
    response.writeHead(200, { ...SAFE_HEADERS, 'content-type': 'text/event-stream' });
    response.write(frame(first));
    this.#open.add(response);
    this.#emptySinceMs = undefined;
    this.#beat ??= this.#clock.after(BEAT_MS, () => this.#sendBeat());
    response.once('close', () => {
      this.#open.delete(response);
      if (this.#open.size === 0) this.#emptySinceMs = this.#clock.now();
    });
  }

  /** Sends a message to all. */
  send(message: string): void {
    this.#write(frame(message));
  }

  end(): void {
    this.#beat?.cancel();
    for (const response of this.#open) response.end();
  }

  #sendBeat(): void {
    this.#write(':\n\n');
    this.#beat = this.#clock.after(BEAT_MS, () => this.#sendBeat());
  }

  #write(text: string): void {
    for (const response of this.#open) {
      if (response.writableLength > MOST_WAITING_BYTES) response.destroy();
      else response.write(text);
    }
  }
}

/** JSON has no line breaks, so a message is one line of data. */
function frame(message: string): string {
  return `data: ${message}\n\n`;
}
