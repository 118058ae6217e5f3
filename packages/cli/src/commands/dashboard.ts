// SPDX-License-Identifier: Apache-2.0
/**
 * `kubectl berth dashboard`: a page about this cluster on this machine, until Ctrl-C or a minute after it was closed.
 */
import { sleep } from '@berth/runtime';
import { Dashboard } from '../dashboard/dashboard.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';

/** A page that is closed may be reloading, or its machine asleep. */
const CLOSED_AT_MOST_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

type Wanted = Extract<Operation, { kind: 'dashboard' }>;

export async function dashboard({ port, opens, cluster }: Wanted, environment: Environment): Promise<number> {
  const { clock, err, out, terminal } = environment;
  const { api, server = '' } = await environment.connect(cluster);
  const origin = { cluster: server, namespace: cluster.berthNamespace };
  const page = new Dashboard({ api, clock, cluster, origin, port, onRemark: (text) => err(`${text}\n`) });
  try {
    const interrupted = terminal?.interrupted ?? new AbortController().signal;
    await Promise.race([started(page, port), sleep(clock, Number.POSITIVE_INFINITY, interrupted)]);
    if (interrupted.aborted) return EXIT.ok;
    out(`${page.address}\n`);
    const isOpened = opens && (await terminal?.open(page.address)) === true;
    err(`${isOpened ? 'opened in your browser' : 'open this address in a browser'}; it works once. Ctrl-C ends it.\n`);
    while (!interrupted.aborted && page.emptyMs < CLOSED_AT_MOST_MS) await sleep(clock, LOOK_EVERY_MS, interrupted);
    if (!interrupted.aborted) err('the page has been closed for a minute: ended\n');
  } finally {
    await page.stop();
  }
  return EXIT.ok;
}

async function started(page: Dashboard, port: number): Promise<void> {
  try {
    await page.start();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
      throw new CommandError(`port ${port} of 127.0.0.1 is in use; without --port a free one is taken`);
    throw error;
  }
}
