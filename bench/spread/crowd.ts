// SPDX-License-Identifier: Apache-2.0

// Many connections at a time to one Service of both families, idle but for a question in the beginning and one in the
// end.

import type { Lab } from '../../test/lab/lab.ts';
import { type KeepAlive, type Kept, startKeepAlive } from '../../test/support/keep-alive.ts';
import { addressesOf, annotated, SERVE_ANNOTATION } from '../../test/support/serving.ts';
import { applyObjects, waitForExternalIp, webService } from '../../test/support/workload.ts';

const PORT = 80;
/** Connections of one process of the client: far below the number of files that a process may have open. */
const OF_A_PROCESS = 10_000;
/**
 * Of the client, so that there are 60,000 ports for each VIP, and those of connections that have just ended are taken
 * again.
 */
const MANY_PORTS = ['net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1'];

/** Makes a Service that every node serves, in front of pods of this label, and the client ready; returns its VIPs. */
export async function serveEverywhere(lab: Lab, name: string, app: string, policy: 'Cluster' | 'Local') {
  const spec = { selector: { app }, externalTrafficPolicy: policy, ipFamilyPolicy: 'RequireDualStack' };
  await applyObjects(lab, annotated(webService(name, spec), { [SERVE_ANNOTATION]: 'every-node' }));
  await waitForExternalIp(lab, name);
  await lab.exec('client', ['sysctl', '-qw', ...MANY_PORTS]);
  return addressesOf(lab, name);
}

/** Opens so many connections, evenly to all VIPs, and returns once each has had an answer. */
export async function startCrowd(
  lab: Lab,
  { vips, connections, path }: { vips: readonly string[]; connections: number; path?: string },
): Promise<KeepAlive> {
  const all = Array.from({ length: connections }, (_, index) => vips[index % vips.length] ?? '');
  const common = { namespace: lab.namespaceOf('client'), port: PORT, everyMs: 'idle' } as const;
  const clients: KeepAlive[] = [];
  const stop = async () => {
    const rows: Kept[] = [];
    for (const client of clients) rows.push(...(await client.stop()));
    return rows;
  };
  try {
    for (let from = 0; from < connections; from += OF_A_PROCESS) {
      const addresses = all.slice(from, from + OF_A_PROCESS);
      clients.push(await startKeepAlive({ ...common, addresses, ...(path !== undefined && { path }) }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
