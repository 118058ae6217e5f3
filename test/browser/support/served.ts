// SPDX-License-Identifier: Apache-2.0

// `kubectl berth dashboard` as a command that runs beside a test, against any API.

import { parseCommandLine, run } from '@berth/cli';
import type { KubeApi } from '@berth/kube';
import { type Clock, systemClock } from '@berth/runtime';

export interface ServedOptions {
  readonly api: KubeApi;
  readonly clock?: Clock;
  /** Further arguments of the command line. */
  readonly options?: readonly string[];
}

/** A dashboard at work. */
export interface Served {
  /** With its token. */
  readonly address: string;
  /** Without path and token. */
  readonly origin: string;
  /** What the command said. */
  readonly said: () => string;
  /** As Ctrl-C does; resolves with the exit code. */
  readonly interrupt: () => Promise<number>;
  /** Resolves with the exit code when the command ends by itself. */
  readonly ended: Promise<number>;
}

/** Starts the command and waits for its address. */
export async function serve({ api, clock = systemClock, options = [] }: ServedOptions): Promise<Served> {
  const texts: string[] = [];
  const interrupt = new AbortController();
  const found = Promise.withResolvers<string>();
  const say = (text: string) => {
    texts.push(text);
    const address = /^http:\S+/.exec(text)?.[0];
    if (address !== undefined) found.resolve(address);
  };
  const environment = {
    ...{ out: say, err: say, clock, readFile: async () => '' },
    connect: async () => ({ api, namespace: 'default', server: 'https://192.0.2.1:6443' }),
    terminal: { interrupted: interrupt.signal, open: async () => false },
  };
  const ended = run(parseCommandLine([...options, 'dashboard', '--no-open']), environment);
  ended.catch((error: unknown) => found.reject(error as Error));
  const address = await found.promise;
  return {
    ...{ address, origin: new URL(address).origin, said: () => texts.join(''), ended },
    interrupt: async () => {
      interrupt.abort();
      return ended;
    },
  };
}
