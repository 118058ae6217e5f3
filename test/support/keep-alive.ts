// SPDX-License-Identifier: Apache-2.0

// A client that keeps one connection to each address open and uses it all the time, as browsers and database clients
// do: run in the client's network namespace by `startKeepAlive`. What counts is whether the connections live; a stall
// alone breaks none.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface KeepAliveOptions {
  /** Network namespace to connect from, as under /run/netns. */
  readonly namespace: string;
  readonly addresses: readonly string[];
  readonly port: number;
  /** Milliseconds from an answer to the next request. */
  readonly everyMs: number;
}

/** What became of the connection to one address. */
export interface Kept {
  readonly address: string;
  /** Undefined: it lives. `silent`: the last request was not answered for {@link SILENT_MS}. */
  readonly broken: 'reset' | 'closed' | 'silent' | undefined;
  /** Longest time from a request to its answer, or to the end, in milliseconds. */
  readonly longestStallMs: number;
  /** What the backend calls itself in its last answer. */
  readonly server: string;
}

export interface KeepAlive {
  /** Ends the client and returns a row for each address. */
  stop(): Promise<readonly Kept[]>;
}

/** A request that waits for so long at the end counts as a broken connection, in milliseconds. */
export const SILENT_MS = 3_000;
const REQUEST = 'GET /hostname HTTP/1.1\r\nHost: web\r\n\r\n';

/**
 * Starts the client, with a connection for each address, named once or often, and returns once every connection has got
 * an answer.
 */
export async function startKeepAlive({ namespace, addresses, port, everyMs }: KeepAliveOptions): Promise<KeepAlive> {
  const own = [fileURLToPath(import.meta.url), String(port), String(everyMs), ...addresses];
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, ...own], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await allAnswered(child);
  return {
    stop: async () => {
      child.stdin?.end('stop\n');
      return JSON.parse(await text(child.stdout)) as Kept[];
    },
  };
}

async function allAnswered(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('keep-alive client: ended before every connection had an answer');
  });
  await Promise.race([once(child.stderr ?? child, 'data'), ended]);
  ended.catch(() => {}); // From here on it ends as it should.
}

/** One connection, in the child process. */
class Connection {
  readonly #address: string;
  readonly #everyMs: number;
  readonly #socket: Socket;
  readonly #onFirst: () => void;
  #askedMs: number | undefined;
  #answers = 0;
  #longestStallMs = 0;
  #broken: Kept['broken'];
  #server = '';

  constructor(address: string, port: number, everyMs: number, onFirst: () => void) {
    this.#address = address;
    this.#everyMs = everyMs;
    this.#onFirst = onFirst;
    this.#socket = connect({ host: address, port, noDelay: true });
    this.#socket.on('connect', () => this.#ask());
    this.#socket.on('data', (bytes) => this.#answered(String(bytes)));
    this.#socket.on('error', () => this.#end('reset'));
    this.#socket.on('close', () => this.#end('closed'));
  }

  get outcome(): Kept {
    const waitingMs = this.#askedMs === undefined ? 0 : performance.now() - this.#askedMs;
    const broken = this.#broken ?? (waitingMs >= SILENT_MS ? 'silent' : undefined);
    const longestStallMs = Math.max(this.#longestStallMs, waitingMs);
    return { address: this.#address, broken, longestStallMs, server: this.#server };
  }

  #ask(): void {
    if (this.#broken) return;
    this.#askedMs = performance.now();
    this.#socket.write(REQUEST);
  }

  // The answer is small; if it should come in two parts, the second one is an answer to nothing.
  #answered(answer: string): void {
    this.#server = answer.split('\r\n\r\n')[1] ?? this.#server;
    if (this.#askedMs === undefined) return;
    this.#longestStallMs = Math.max(this.#longestStallMs, performance.now() - this.#askedMs);
    this.#askedMs = undefined;
    this.#answers += 1;
    if (this.#answers === 1) this.#onFirst();
    setTimeout(() => this.#ask(), this.#everyMs);
  }

  #end(how: 'reset' | 'closed'): void {
    this.#broken ??= how;
    this.#askedMs = undefined;
  }
}

async function main([port = '', everyMs = '', ...addresses]: string[]): Promise<void> {
  let answered = 0;
  const onFirst = () => {
    answered += 1;
    if (answered === addresses.length) process.stderr.write('all answered\n');
  };
  const connections = addresses.map((one) => new Connection(one, Number(port), Number(everyMs), onFirst));
  await once(process.stdin, 'data');
  const outcomes = connections.map(({ outcome }) => outcome);
  process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
