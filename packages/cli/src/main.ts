#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/** The plug-in `kubectl berth`. Wires the command line to the terminal and the cluster. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { findAccess, KubeClient, KubeError, systemClock } from '@berth/kube';
import { parseCommandLine } from './command-line.ts';
import { CommandError, type Connection, type Environment, EXIT } from './environment.ts';
import type { ClusterOptions } from './operation.ts';
import { run } from './run.ts';

const clients: KubeClient[] = [];

async function connect({ kubeconfig }: ClusterOptions): Promise<Connection> {
  const access = await findAccess(kubeconfig);
  const api = new KubeClient({ access, userAgent: 'kubectl-berth' });
  clients.push(api);
  return { api, namespace: access.namespace ?? 'default' };
}

const environment: Environment = {
  out: (output) => process.stdout.write(output),
  err: (message) => process.stderr.write(message),
  readFile: (name) => (name === '-' ? text(process.stdin) : readFile(name, 'utf8')),
  connect,
  clock: systemClock,
};

try {
  process.exitCode = await run(parseCommandLine(process.argv.slice(2)), environment);
} catch (error) {
  process.exitCode = EXIT.failed;
  process.stderr.write(`error: ${process.env.BERTH_DEBUG ? (error as Error).stack : messageOf(error)}\n`);
} finally {
  for (const client of clients) client.close();
}

function messageOf(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  const isUnreachable = error instanceof KubeError && ['network', 'timeout'].includes(error.code);
  return isUnreachable ? `${message} (is the cluster reachable? BERTH_DEBUG=1 shows more)` : message;
}
