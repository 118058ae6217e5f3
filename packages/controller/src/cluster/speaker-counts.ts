// SPDX-License-Identifier: Apache-2.0
/** How many nodes have a speaker that reports: what an alert on a missing one is made of. */
import type { NodeReport } from '@berth/core';
import type { Node } from '@berth/kube';

/** Nodes by what is heard of their speakers. */
export interface SpeakerCounts {
  /** It renews its Lease, and what it says can be read. */
  readonly reporting: number;
  /** It has renewed its Lease once, and does not any more. */
  readonly silent: number;
  /** It renews its Lease, and this version cannot read what it says. */
  readonly unreadable: number;
  /** The node has no Lease at all, though the image would run there. */
  readonly none: number;
}

/** What the image is built for; see the affinity in manifests/speaker.yaml. */
const ARCHITECTURES: readonly string[] = ['amd64', 'arm64'];

export function countSpeakers(nodes: readonly Node[], reports: ReadonlyMap<string, NodeReport>): SpeakerCounts {
  const counts = { reporting: 0, silent: 0, unreadable: 0, none: 0 };
  for (const { state, freshness } of reports.values()) {
    if (freshness === 'stale') counts.silent += 1;
    else if (state === undefined) counts.unreadable += 1;
    else counts.reporting += 1;
  }
  counts.none = nodes.filter((node) => canRun(node) && !reports.has(node.metadata.name)).length;
  return counts;
}

function canRun({ status }: Node): boolean {
  const { operatingSystem, architecture = '' } = status?.nodeInfo ?? {};
  return operatingSystem === 'linux' && ARCHITECTURES.includes(architecture);
}
