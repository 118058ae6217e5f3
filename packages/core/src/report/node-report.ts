// SPDX-License-Identifier: Apache-2.0
/** What the nodes say of themselves, read from their Leases. */
import { compareText } from '../compare-text.ts';
import { unparsed } from '../net/parsed.ts';
import { type ContactLoss, contactLosses } from '../node-state/contact-loss.ts';
import { countingClaims, type NodeClaim, type NodeHearing } from '../node-state/counting-claims.ts';
import { decodeNodeHealth, decodeNodeState, isNodeName, nodeOfLease } from '../node-state/decode.ts';
import type { NodeReport } from '../node-state/node-report.ts';
import {
  NODE_HEALTH_ANNOTATION,
  NODE_STALE_SECONDS,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeHealth,
  type NodeState,
} from '../node-state/node-state.ts';
import type { KubeLease } from './objects.ts';

/** Wall clocks of this machine and of the nodes may differ by this much before a node counts as silent. */
const CLOCK_SLACK_MS = 30_000;

/** A report whose freshness goes by the wall clock of the node: what a command has that looks once. */
export interface DatedReport extends NodeReport {
  readonly health: NodeHealth | undefined;
  /** When the node wrote last, by its own wall clock; for people. */
  readonly renewedMs: number;
  readonly freshness: 'fresh' | 'stale';
}

/** A node whose state is known and that is still there. */
export type LiveReport = DatedReport & { readonly state: NodeState };

/** The reports in the order of the nodes' names; Leases that are no node's are left out. */
export function nodeReportsOf(leases: readonly KubeLease[], nowMs: number): readonly DatedReport[] {
  const own = leases.filter(({ metadata }) => metadata.labels?.[NODE_STATE_LABEL] !== undefined);
  return own.map((lease) => reportOf(lease, nowMs)).sort((a, b) => compareText(a.node, b.node));
}

export function isLive(report: DatedReport | undefined): report is LiveReport {
  return report?.state !== undefined && report.freshness === 'fresh';
}

/** The parts of the reports that tell whose claims count, by node. */
export function hearingsOf(reports: readonly NodeReport[]): ReadonlyMap<string, NodeHearing> {
  const known = reports.flatMap(({ node, state, freshness }) =>
    state === undefined ? [] : [[node, { bootId: state.bootId, segments: state.segments, freshness }] as const],
  );
  return new Map(known);
}

/**
 * The claims to a VIP that count, as the controller counts them. For a look at one VIP; for all of them there is an
 * index.
 */
export function ownersOf(vip: string, reports: readonly NodeReport[]): readonly NodeClaim[] {
  const claims: NodeClaim[] = [];
  for (const { node, state } of reports) {
    if (state === undefined) continue;
    for (const { interface: ifname, term, sinceSeconds, standing, vip: own } of state.owned)
      if (String(own) === vip) claims.push({ node, interface: ifname, term, sinceSeconds, standing });
  }
  return countingClaims(vip, claims, hearingsOf(reports));
}

/** What is wrong with the contact between the nodes of these claims and the others. */
export function contactsOf(claims: readonly NodeClaim[], reports: readonly NodeReport[]): readonly ContactLoss[] {
  return contactLosses(claims, hearingsOf(reports));
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

const known = new WeakMap<KubeLease, Omit<DatedReport, 'freshness'>>();

function reportOf(lease: KubeLease, nowMs: number): DatedReport {
  const read = known.get(lease) ?? readLease(lease);
  known.set(lease, read);
  const freshness = nowMs - read.renewedMs < NODE_STALE_SECONDS * 1000 + CLOCK_SLACK_MS ? 'fresh' : 'stale';
  return { ...read, freshness };
}

function readLease({ metadata, spec }: KubeLease): Omit<DatedReport, 'freshness'> {
  const annotations = metadata.annotations ?? {};
  const holder = spec?.holderIdentity ?? '';
  // The name becomes part of commands to copy.
  const read = isNodeName(holder)
    ? decodeNodeState(annotations[NODE_STATE_ANNOTATION] ?? '')
    : unparsed('its holder is not the name of a node');
  return {
    node: nodeOfLease(holder, metadata.name),
    state: read.ok ? read.value : undefined,
    problem: read.ok ? undefined : read.reason,
    health: decodeNodeHealth(annotations[NODE_HEALTH_ANNOTATION]),
    renewedMs: Date.parse(spec?.renewTime ?? '') || 0,
  };
}
