// SPDX-License-Identifier: Apache-2.0

// How long until a client can connect: a process that waits in the client's network namespace, so that no start of a
// process is part of what is measured. Lines `ADDRESS PORT` in, a line `ok` out once a connect has succeeded.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ATTEMPT_TIMEOUT_MS = 100;
const PAUSE_MS = 1;

export class FirstConnect {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  /** Rejects when the process ends: waiting for a line then makes no sense. */
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface(child.stdout);
    this.#ended = once(child, 'exit').then(() => Promise.reject(new Error('first connect: the client ended')));
    this.#ended.catch(() => {}); // No one listens when it ends as it should.
  }

  /** Starts the process in a network namespace (as under /run/netns) and returns when it is ready. */
  static async start(namespace: string): Promise<FirstConnect> {
    const argv = [`--net=/run/netns/${namespace}`, process.execPath, fileURLToPath(import.meta.url)];
    const child = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    const started = new FirstConnect(child);
    await started.#line();
    return started;
  }

  /** Returns once a TCP connect from the namespace to this address and port has succeeded. One call at a time. */
  async to(address: string, port: number): Promise<void> {
    this.#child.stdin.write(`${address} ${port}\n`);
    await this.#line();
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }

  async #line(): Promise<void> {
    await Promise.race([once(this.#lines, 'line'), this.#ended]);
  }
}

async function main(): Promise<void> {
  process.stdout.write('ready\n');
  for await (const line of createInterface(process.stdin)) {
    const [host = '', port = ''] = line.split(' ');
    while (!(await canConnect(host, Number(port)))) await sleep(PAUSE_MS);
    process.stdout.write('ok\n');
  }
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ATTEMPT_TIMEOUT_MS });
    const settle = (ok: boolean) => {
      socket.destroy();
      resolve(ok);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
