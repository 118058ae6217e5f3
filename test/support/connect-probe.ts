// SPDX-License-Identifier: Apache-2.0

// A client that connects all the time: run in the client's network namespace by `startConnectProbe`.
//
// Attempts start every `intervalMs` whether or not the earlier ones have ended, as many clients would do it; each has
// `timeoutMs`. A line on standard input ends the run, and the outcome goes to standard output as one line of JSON.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type Attempt, measureOutage, type Outage } from './connect-gap.ts';

export interface ConnectProbeOptions {
  /** Network namespace to connect from, as under /run/netns. */
  namespace: string;
  /** To connect to; several are taken in turn. */
  address: string | readonly string[];
  port: number;
  /** Milliseconds between the starts of two attempts. */
  intervalMs: number;
  /** Milliseconds that one attempt may take. */
  timeoutMs: number;
  /** Path to ask for by HTTP, so that only an answer is a success. @default none: a connection is */
  path?: string;
}

export interface ConnectProbe {
  /** Ends the probe and returns what it saw. */
  stop(): Promise<Outage>;
}

/**
 * Source ports of attempts. Each is used once in some minutes, also by the next probe: a node remembers for two minutes
 * that a connect from a port went to a pod that is dead, and sends the next one from there to the same pod.
 */
const PORTS = { first: 10_240, count: 55_000 } as const;

/** Starts a probe in another namespace and returns once its first connect has succeeded. */
export async function startConnectProbe(options: ConnectProbeOptions): Promise<ConnectProbe> {
  const { namespace, address, port, intervalMs, timeoutMs, path = '' } = options;
  const addresses = [address].flat().join();
  const own = [fileURLToPath(import.meta.url), addresses, port, intervalMs, timeoutMs, path].map(String);
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, ...own], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await firstSuccess(child);
  return { stop: () => stopProbe(child) };
}

async function firstSuccess(child: ChildProcess): Promise<void> {
  const ready = once(child.stderr ?? child, 'data');
  const ended = once(child, 'exit').then(() => {
    throw new Error('connect probe: ended before its first success');
  });
  await Promise.race([ready, ended]);
  ended.catch(() => {}); // From here on the probe ends because it was asked to.
}

async function stopProbe(child: ChildProcess): Promise<Outage> {
  child.stdin?.end('stop\n');
  if (child.stdout === null) throw new Error('connect probe: no standard output');
  return JSON.parse(await text(child.stdout)) as Outage;
}

async function main([addresses = '', port = '', intervalMs = '', timeoutMs = '', path = '']: string[]): Promise<void> {
  const attempts: Attempt[] = [];
  const hosts = addresses.split(',');
  const target = { port: Number(port), timeout: Number(timeoutMs) };
  // No faster than the clock, so a probe that begins later begins behind this one.
  let serial = Math.floor(Date.now() / Number(intervalMs));
  const timer = setInterval(async () => {
    const host = hosts[serial % hosts.length] ?? '';
    const localPort = PORTS.first + (serial++ % PORTS.count);
    const attempt = await attemptOne({ ...target, host, localPort }, path);
    if (attempt === undefined) return;
    if (attempt.ok && !attempts.some(({ ok }) => ok)) process.stderr.write('first success\n');
    attempts.push(attempt);
  }, Number(intervalMs));
  await once(process.stdin, 'data');
  clearInterval(timer);
  process.stdout.write(`${JSON.stringify(measureOutage(attempts, performance.now()))}\n`, () => process.exit(0));
}

/** Undefined where another socket of the client has the port: no one was asked then. */
function attemptOne(
  target: { host: string; port: number; localPort: number; timeout: number },
  path: string,
): Promise<Attempt | undefined> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const socket = connect(target);
    const settle = (ok: boolean) => {
      socket.destroy();
      resolve({ startMs, endMs: performance.now(), ok });
    };
    if (path === '') socket.once('connect', () => settle(true));
    else socket.once('data', () => settle(true)).write(`GET ${path} HTTP/1.0\r\n\r\n`);
    socket.once('timeout', () => settle(false));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EADDRINUSE') resolve(undefined);
      settle(false);
    });
    socket.once('close', () => settle(false));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
