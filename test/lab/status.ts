// SPDX-License-Identifier: Apache-2.0

// How a lab is: what `npm run lab -- status` shows.

import { formatTable } from '@berth/cli';
import { isNode } from './address-plan.ts';
import { ApiClient } from './api-client.ts';
import type { Lab } from './lab.ts';
import { isReady } from './node.ts';

export interface HostStatus {
  readonly host: string;
  readonly namespace: string;
  readonly addresses: readonly string[];
  readonly cable: 'up' | 'down';
  /** As kubectl says it; empty for a host that is no node. */
  readonly node: 'Ready' | 'NotReady' | 'unknown' | '';
  /** Programs of the lab that run on it. */
  readonly programs: readonly string[];
}

const COLUMNS = ['HOST', 'CABLE', 'NODE', 'ADDRESSES', 'NAMESPACE', 'PROGRAMS'] as const;

/** Looks at every host of a lab. */
export async function statusOf(lab: Lab): Promise<HostStatus[]> {
  const client = await ApiClient.fromKubeconfig(lab.kubeconfig);
  return Promise.all(
    lab.plan.hosts.map(
      async (host): Promise<HostStatus> => ({
        host: host.name,
        namespace: lab.namespaceOf(host.name),
        addresses: host.addresses,
        cable: await lab.cablePosition(host.name),
        node: isNode(host) ? await nodeStatus(host.name, client) : '',
        programs: await lab.programsOn(host.name),
      }),
    ),
  );
}

/** A table with one row per host. */
export function formatStatus(statuses: readonly HostStatus[]): string {
  const rows = statuses.map((status) => [
    status.host,
    status.cable,
    status.node || '-',
    status.addresses.join(','),
    status.namespace,
    status.programs.join(' ') || '-',
  ]);
  return formatTable([COLUMNS, ...rows]);
}

async function nodeStatus(name: string, client: ApiClient): Promise<HostStatus['node']> {
  try {
    return (await isReady(name, client)) ? 'Ready' : 'NotReady';
  } catch {
    // Without an API server no one knows; the row of `cp` shows why.
    return 'unknown';
  }
}
