#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/** The plug-in `kubectl berth`. Wires the command line to the terminal and the cluster. */
import './older-node.ts';
import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { findAccess, KubeClient, type ObjectName, pathOf, pods, ServerClock } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { parseCommandLine } from './command-line.ts';
import { openPage } from './dashboard/open-page.ts';
import { type Connection, type Environment, EXIT, type LogOptions } from './environment.ts';
import { errorLine } from './error-line.ts';
import { listFolder } from './folder.ts';
import type { ClusterOptions, Operation } from './operation.ts';
import { printable } from './printable.ts';
import { run } from './run.ts';
import { isColoured, paint, type Tone } from './tone.ts';

/** Room for calls that take long beside those that go through. */
const MAX_CONNECTIONS = 64;

const clients: KubeClient[] = [];
/** Leases are held against the clock of the cluster, whatever this machine's says. */
const clock = new ServerClock(systemClock);
const operation = parseCommandLine(process.argv.slice(2));

async function connect({ access: choice, requestTimeoutMs }: ClusterOptions): Promise<Connection> {
  const access = await findAccess(systemClock, choice);
  const timeout = requestTimeoutMs === undefined ? {} : { timeoutMs: requestTimeoutMs };
  const api = new KubeClient({
    access,
    clock,
    onDate: (date) => clock.heard(date),
    userAgent: 'kubectl-berth',
    maxConnections: MAX_CONNECTIONS,
    ...timeout,
  });
  clients.push(api);
  const logs = (pod: ObjectName, options: LogOptions) => api.text(logPath(pod, options));
  return { api, namespace: access.namespace ?? 'default', server: access.server, logs };
}

/** Most bytes of one log. */
const MOST_LOG_BYTES = 4 << 20;

function logPath(pod: ObjectName, { container, isPrevious, tailLines }: LogOptions): string {
  const query = new URLSearchParams({
    ...{ container, tailLines: String(tailLines), limitBytes: String(MOST_LOG_BYTES), timestamps: 'true' },
    ...(isPrevious ? { previous: 'true' } : {}),
  });
  return `${pathOf(pods, pod)}/log?${query.toString()}`;
}

const environment: Environment = {
  out: writerFor(process.stdout),
  err: writerFor(process.stderr),
  readFile: (name) => (name === '-' ? text(process.stdin) : readFile(name, 'utf8')),
  listFolder,
  writeFile: (name, data) =>
    name === '-'
      ? new Promise((resolve) => process.stdout.write(data, () => resolve()))
      : writeFile(name, data, { mode: 0o600, flag: 'wx' }),
  connect,
  clock,
  terminal: {
    ...{ interrupted: interrupted(), open: openPage },
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  },
};

function writerFor(stream: NodeJS.WriteStream): (text: string, tone?: Tone) => void {
  const colours = isColoured(stream, process.env);
  return (output, tone) => {
    stream.write(colours ? paint(output, tone) : output);
  };
}

/** Ctrl-C and an orderly kill end what runs until then; whatever does not look at this is ended by them as ever. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  if (operation.kind === 'dashboard' || ('isWatching' in operation && operation.isWatching))
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

// No await at the top: the bundle is to run as CommonJS and as a module.
void carryOut(operation);

async function carryOut(operation: Operation): Promise<void> {
  try {
    process.exitCode = await run(operation, environment);
  } catch (error) {
    process.exitCode = EXIT.failed;
    const isDebug = process.env.BERTH_DEBUG !== undefined && error instanceof Error;
    environment.err(`error: ${printable(isDebug ? String(error.stack) : errorLine(error, operation))}\n`, 'bad');
  } finally {
    for (const client of clients) client.close();
  }
}
