// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth version`: of this program and of each pod, and whether they are the same. */
import { hasEnded } from '@berth/core';
import { type Environment, EXIT } from '../environment.ts';
import type { Operation } from '../operation.ts';
import { countOf, printTable, printValue } from '../output.ts';
import { berthPods, CLIENT_VERSION, type PodVersion, versionOf } from '../version-facts.ts';

/**
 * What differs: pods from each other (an upgrade is under way, or has not come to its end), or this program from all of
 * them.
 */
type Skew = 'none' | 'pods' | 'client';

export async function version(
  { cluster, output, isClientOnly }: Extract<Operation, { kind: 'version' }>,
  environment: Environment,
): Promise<number> {
  const client = { version: CLIENT_VERSION, node: process.version };
  if (isClientOnly) {
    if (!printValue(environment, output, { client })) environment.out(`client  ${client.version}\n`);
    return EXIT.ok;
  }
  const { api } = await environment.connect(cluster);
  const all = await berthPods(api, cluster.berthNamespace);
  const pods = all.filter((pod) => !hasEnded(pod)).map(versionOf);
  const skew = skewOf(pods);
  if (printValue(environment, output, { client, pods, skew })) return EXIT.ok;
  environment.out(`client  ${client.version}${output === 'wide' ? ` on Node ${client.node}` : ''}\n`);
  if (pods.length === 0) environment.err(`there are no pods of Berth in namespace ${cluster.berthNamespace}\n`);
  else {
    const head = ['POD', 'NODE', 'VERSION', 'READY', ...(output === 'wide' ? ['IMAGE'] : [])];
    printTable(environment, [head, ...pods.map((pod) => cellsOf(pod, output === 'wide'))], { output });
  }
  const text = textOf(skew, pods);
  if (text !== '') environment.out(`${text}\n`, 'warning');
  return EXIT.ok;
}

function cellsOf({ pod, node, version: own, isReady, image }: PodVersion, isWide: boolean): string[] {
  return [pod, node || '-', own ?? 'unknown', isReady ? 'yes' : 'no', ...(isWide ? [image] : [])];
}

function skewOf(pods: readonly PodVersion[]): Skew {
  const versions = new Set(pods.flatMap(({ version: own }) => own ?? []));
  if (versions.size > 1) return 'pods';
  return versions.size === 1 && !versions.has(CLIENT_VERSION) ? 'client' : 'none';
}

function textOf(skew: Skew, pods: readonly PodVersion[]): string {
  const counts = [...Map.groupBy(pods, ({ version: own }) => own ?? 'unknown')].sort(([a], [b]) => (a < b ? -1 : 1));
  const named = counts.map(([own, all]) => `${own} (${countOf(all.length, 'pod')})`).join(', ');
  switch (skew) {
    case 'none':
      return '';
    case 'pods':
      return `the pods have several versions: ${named}; an upgrade is under way, or has not come to its end: docs/runbooks/BerthVersionSkew.md`;
    case 'client':
      return `this client is of version ${CLIENT_VERSION}, the pods are of ${named}: use the client of their version`;
  }
}
