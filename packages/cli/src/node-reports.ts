// SPDX-License-Identifier: Apache-2.0
/** What the nodes say of themselves, read from their Leases. */
import {
  countingClaims,
  decodeNodeHealth,
  decodeNodeState,
  NODE_HEALTH_ANNOTATION,
  NODE_STALE_SECONDS,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeClaim,
  type NodeHealth,
  type NodeHearing,
  type NodeState,
} from '@berth/core';
import { type KubeApi, type Lease, leases } from '@berth/kube';

/** Wall clocks of this machine and of the nodes may differ by this much before a node counts as silent. */
const CLOCK_SLACK_MS = 30_000;

export interface NodeReport {
  readonly node: string;
  /** Undefined where it cannot be read. */
  readonly state: NodeState | undefined;
  readonly problem: string | undefined;
  readonly health: NodeHealth | undefined;
  /** When the node wrote last, by its own wall clock; for people. */
  readonly renewedMs: number;
  readonly freshness: 'fresh' | 'stale';
}

/** A node whose state is known and that is still there. */
export type LiveReport = NodeReport & { readonly state: NodeState };

/** All reports, in the order of the nodes' names. */
export async function readReports(api: KubeApi, namespace: string, nowMs: number): Promise<NodeReport[]> {
  const { items } = await api.list(leases, { namespace, labelSelector: NODE_STATE_LABEL });
  return items.map((lease) => reportOf(lease, nowMs)).sort((a, b) => (a.node < b.node ? -1 : 1));
}

export function isLive(report: NodeReport | undefined): report is LiveReport {
  return report?.state !== undefined && report.freshness === 'fresh';
}

/** The claims to a VIP that count, as the controller counts them. */
export function ownersOf(vip: string, reports: readonly NodeReport[]): readonly NodeClaim[] {
  const nodes = new Map<string, NodeHearing>();
  const claims: NodeClaim[] = [];
  for (const { node, state, freshness } of reports) {
    if (state === undefined) continue;
    nodes.set(node, { bootId: state.bootId, segments: state.segments, freshness });
    for (const { interface: ifname, term, sinceSeconds, vip: own } of state.owned)
      if (String(own) === vip) claims.push({ node, interface: ifname, term, sinceSeconds });
  }
  return countingClaims(vip, claims, nodes);
}

/** The other nodes that a node hears and that hear it, on any segment. */
export function peersOf({ state }: LiveReport): ReadonlySet<string> {
  const members = state.segments.flatMap((segment) => segment.members);
  return new Set(members.filter(({ hearing }) => hearing === 'both').map(({ node }) => node));
}

/** The VIPs that a node answers for, each once. */
export function vipsOf(report: NodeReport | undefined): string[] {
  return [...new Set(report?.state?.owned.map(({ vip }) => String(vip)))];
}

function reportOf({ metadata, spec }: Lease, nowMs: number): NodeReport {
  const annotations = metadata.annotations ?? {};
  const read = decodeNodeState(annotations[NODE_STATE_ANNOTATION] ?? '');
  const renewedMs = Date.parse(spec?.renewTime ?? '') || 0;
  return {
    node: spec?.holderIdentity ?? metadata.name,
    state: read.ok ? read.value : undefined,
    problem: read.ok ? undefined : read.reason,
    health: decodeNodeHealth(annotations[NODE_HEALTH_ANNOTATION]),
    renewedMs,
    freshness: nowMs - renewedMs < NODE_STALE_SECONDS * 1000 + CLOCK_SLACK_MS ? 'fresh' : 'stale',
  };
}
