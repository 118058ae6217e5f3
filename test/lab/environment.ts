// SPDX-License-Identifier: Apache-2.0

// What scripts want to know of a lab: NAME=value, one a line.

import type { Lab } from './lab.ts';

/**
 * KUBECONFIG; LAN and POOL, the subnet and the free range of segment 1 (LAN_2 ...
 * for further segments, _IPV6 for the second family of a dual-stack lab); and
 * NETNS_<host> for each host. A host's name is kept as it is, with its hyphen:
 * read these lines with grep or a parser, not with a shell's `eval`.
 */
export function formatEnvironment(lab: Pick<Lab, 'kubeconfig' | 'plan' | 'hosts' | 'namespaceOf'>): string {
  const lines = [`KUBECONFIG=${lab.kubeconfig}`];
  for (const [offset, subnets] of lab.plan.lans.entries())
    lines.push(...byFamily(offset === 0 ? 'LAN' : `LAN_${offset + 1}`, subnets));
  lines.push(...byFamily('POOL', lab.plan.pools));
  for (const host of lab.hosts) lines.push(`NETNS_${host}=${lab.namespaceOf(host)}`);
  return `${lines.join('\n')}\n`;
}

function byFamily(variable: string, [first, second]: readonly string[]): string[] {
  return [`${variable}=${first ?? ''}`, ...(second === undefined ? [] : [`${variable}_IPV6=${second}`])];
}
