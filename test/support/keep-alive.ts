// SPDX-License-Identifier: Apache-2.0

// A client that keeps one connection to each address open and uses it, all the time or hardly ever, as browsers and
// database clients do: run in the client's network namespace by `startKeepAlive`. What counts is whether the
// connections live; a stall alone breaks none.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface KeepAliveOptions {
  /** Network namespace to connect from, as under /run/netns. */
  readonly namespace: string;
  readonly addresses: readonly string[];
  readonly port: number;
  /** Milliseconds from an answer to the next request; `idle`: one in the beginning, one when the client is stopped. */
  readonly everyMs: number | 'idle';
  /** Bytes that are uploaded with each request, {@link MOST_UPLOAD_BYTES} at most. @default 0 */
  readonly uploadBytes?: number;
  /** What is asked for. @default '/hostname' */
  readonly path?: string;
}

/** What became of the connection to one address. */
export interface Kept {
  readonly address: string;
  /** Undefined: it lives. `silent`: the last request was not answered for {@link SILENT_MS}. */
  readonly broken: 'reset' | 'closed' | 'silent' | undefined;
  /** Longest time from a request to its answer, or to the end, in milliseconds. */
  readonly longestStallMs: number;
  /** From the last request to the end of a connection that broke; undefined where none was under way. */
  readonly brokenAfterMs?: number;
  /** The last answer: what the backend calls itself, unless another path was asked for. */
  readonly server: string;
}

export interface KeepAlive {
  /** Ends the client and returns a row for each address. */
  stop(): Promise<readonly Kept[]>;
}

/** A request that waits for so long at the end counts as a broken connection, in milliseconds. */
export const SILENT_MS = 3_000;
/** The server reads so much of what nobody asks for before it answers; more would end the connection. */
export const MOST_UPLOAD_BYTES = 256_000;
/** Connections that wait for their first answer at a time, or for the one that shows that they live. */
const AT_ONCE = 200;
const LOOK_MS = 20;
/** What the client says once every connection has an answer. */
const READY = 'all answered\n';

function requestFor({ path, uploadBytes }: Plan): string {
  if (uploadBytes === 0) return `GET ${path} HTTP/1.1\r\nHost: web\r\n\r\n`;
  return `POST ${path} HTTP/1.1\r\nHost: web\r\nContent-Length: ${uploadBytes}\r\n\r\n${'x'.repeat(uploadBytes)}`;
}

/**
 * Starts the client, with a connection for each address, named once or often, and returns once every connection has got
 * an answer.
 */
export async function startKeepAlive(options: KeepAliveOptions): Promise<KeepAlive> {
  const { namespace, addresses, port, everyMs, uploadBytes = 0, path = '/hostname' } = options;
  const argv = [`--net=/run/netns/${namespace}`, process.execPath, fileURLToPath(import.meta.url)];
  const child = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin?.write(`${JSON.stringify({ addresses, port, everyMs, uploadBytes, path } satisfies Plan)}\n`);
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
  const [said] = await Promise.race([once(child.stderr ?? child, 'data'), ended]);
  if (!String(said).startsWith(READY)) throw new Error(`keep-alive client: ${String(said).trim()}`);
  ended.catch(() => {}); // From here on it ends as it should.
}

type Plan = Required<Omit<KeepAliveOptions, 'namespace'>>;

/** One connection, in the child process. */
class Connection {
  readonly #address: string;
  readonly #request: string;
  readonly #everyMs: number | 'idle';
  readonly #socket: Socket;
  readonly #first = Promise.withResolvers<void>();
  #askedMs: number | undefined;
  #brokenAfterMs: number | undefined;
  #answers = 0;
  #longestStallMs = 0;
  #broken: Kept['broken'];
  #server = '';

  constructor(address: string, { port, everyMs }: Plan, request: string) {
    this.#address = address;
    this.#everyMs = everyMs;
    this.#request = request;
    this.#socket = connect({ host: address, port, noDelay: true });
    this.#socket.on('connect', () => this.ask());
    this.#socket.on('data', (bytes) => this.#answered(String(bytes)));
    this.#socket.on('error', () => this.#end('reset'));
    this.#socket.on('close', () => this.#end('closed'));
  }

  /** Resolves with the first answer; rejects when the connection ends before it. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  get isWaiting(): boolean {
    return this.#askedMs !== undefined;
  }

  get outcome(): Kept {
    const waitingMs = this.#askedMs === undefined ? 0 : performance.now() - this.#askedMs;
    const broken = this.#broken ?? (waitingMs >= SILENT_MS ? 'silent' : undefined);
    return {
      ...{ address: this.#address, broken, server: this.#server },
      longestStallMs: Math.max(this.#longestStallMs, waitingMs),
      ...(this.#brokenAfterMs === undefined ? {} : { brokenAfterMs: this.#brokenAfterMs }),
    };
  }

  /** Sends a request, unless the connection has ended. */
  ask(): void {
    if (this.#broken) return;
    this.#askedMs = performance.now();
    this.#socket.write(this.#request);
  }

  // The answer is small; if it should come in two parts, the second one is an answer to nothing.
  #answered(answer: string): void {
    this.#server = answer.split('\r\n\r\n')[1] ?? this.#server;
    if (this.#askedMs === undefined) return;
    this.#longestStallMs = Math.max(this.#longestStallMs, performance.now() - this.#askedMs);
    this.#askedMs = undefined;
    this.#answers += 1;
    if (this.#answers === 1) this.#first.resolve();
    if (this.#everyMs !== 'idle') setTimeout(() => this.ask(), this.#everyMs);
  }

  #end(how: 'reset' | 'closed'): void {
    this.#broken ??= how;
    this.#first.reject(new Error(`${this.#address}: ${how} before the first answer`));
    if (this.#askedMs === undefined) return;
    this.#brokenAfterMs = performance.now() - this.#askedMs;
    this.#longestStallMs = Math.max(this.#longestStallMs, this.#brokenAfterMs);
    this.#askedMs = undefined;
  }
}

/** Opens all of them, so many at a time that no queue of the server overflows. */
async function openAll(plan: Plan): Promise<Connection[]> {
  const request = requestFor(plan);
  const connections: Connection[] = [];
  for (let from = 0; from < plan.addresses.length; from += AT_ONCE) {
    const some = plan.addresses.slice(from, from + AT_ONCE).map((one) => new Connection(one, plan, request));
    await Promise.all(some.map(({ first }) => first));
    connections.push(...some);
  }
  return connections;
}

async function main(): Promise<void> {
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]();
  const plan = JSON.parse((await lines.next()).value ?? '{}') as Plan;
  const connections = await openAll(plan).catch((error: Error) => fail(error.message));
  process.stderr.write(READY);
  await lines.next();
  if (plan.everyMs === 'idle') await wakeAll(connections);
  const outcomes = connections.map(({ outcome }) => outcome);
  process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0));
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Not all at once, so that none waits for the processor instead of for its answer. */
async function wakeAll(connections: readonly Connection[]): Promise<void> {
  for (let from = 0; from < connections.length; from += AT_ONCE) {
    const some = connections.slice(from, from + AT_ONCE);
    for (const connection of some) connection.ask();
    await allQuiet(some);
  }
}

/** Until each has its answer, or has waited for too long. */
async function allQuiet(connections: readonly Connection[]): Promise<void> {
  const deadlineMs = performance.now() + SILENT_MS;
  while (performance.now() < deadlineMs && connections.some(({ isWaiting }) => isWaiting)) await delay(LOOK_MS);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
