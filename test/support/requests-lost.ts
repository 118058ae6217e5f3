// SPDX-License-Identifier: Apache-2.0

// Clients that ask for an answer by HTTP all the time while something happens, and how many requests each lost.

import type { Lab } from '../lab/lab.ts';
import type { Outage } from './connect-gap.ts';
import { startConnectProbe } from './connect-probe.ts';

export interface Asked {
  /** Several are asked in turn. */
  readonly address: string | readonly string[];
  readonly port: number;
}

const PROBE = { intervalMs: 50, timeoutMs: 1_000, path: '/hostname' } as const;

/** What each client saw, by name, while something happened; all of them ask at the same time. */
export async function askedWhile<Name extends string>(
  lab: Lab,
  asked: Readonly<Record<Name, Asked>>,
  what: () => Promise<void>,
): Promise<Record<Name, Outage>> {
  const common = { namespace: lab.namespaceOf('client'), ...PROBE };
  const names = Object.keys(asked) as Name[];
  const probes = await Promise.all(names.map((name) => startConnectProbe({ ...common, ...asked[name] })));
  const stopAll = () => Promise.all(probes.map((probe) => probe.stop()));
  await what().catch(async (error: unknown) => {
    await stopAll();
    throw error;
  });
  const seen = await stopAll();
  return Object.fromEntries(names.map((name, index) => [name, seen[index]])) as Record<Name, Outage>;
}

/** Share of the requests that failed. */
export function lostShare({ succeeded, failed }: Outage): number {
  return failed / (succeeded + failed);
}
