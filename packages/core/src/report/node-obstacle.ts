// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a node could answer for a VIP, and if not why: by what the speakers themselves go by, and by what the node
 * says of itself.
 */
import type { Announcement } from '../config/advertisement.ts';
import { matchesAny } from '../config/label-selector.ts';
import { timeText } from '../history/time-text.ts';
import type { IpAddress } from '../net/ip-address.ts';
import { obstacleWords } from '../node-state/obstacle-words.ts';
import { type KubeService, serviceKeyOf } from '../service/kube-service.ts';
import { policiesOfVip } from '../service/vip-policies.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { isLive, type LiveReport } from './node-report.ts';

/** The Services that show a VIP. */
export function holdersOf(vip: IpAddress, { holders }: ClusterFacts): readonly KubeService[] {
  return holders.get(String(vip)) ?? [];
}

/** A live node, or why it is none. */
export function liveNode(node: string, { nodes, reports }: ClusterFacts): LiveReport | string {
  if (!nodes.has(node)) return `there is no node ${node}`;
  const report = reports.find((one) => one.node === node);
  if (report === undefined) return `no speaker reports from node ${node}`;
  if (isLive(report)) return report;
  return report.problem ?? `the speaker of node ${node} has not been heard of since ${timeText(report.renewedMs)}`;
}

/** Why a node may not own a VIP, in words; undefined when it may. */
export function obstacleTo(vip: IpAddress, report: LiveReport, facts: ClusterFacts): string | undefined {
  const { node, state } = report;
  if (state.ineligible !== '') return `${node}: ${obstacleWords('not-eligible', state.ineligible)}`;
  const remark = state.notAnnounced.find((one) => one.vip.equals(vip));
  if (remark !== undefined) return `${node}: ${obstacleWords(remark.why)}`;
  const holders = holdersOf(vip, facts);
  const labels = facts.nodes.get(node)?.metadata.labels ?? {};
  const policies = holders.map((service) => policiesOfVip(service, vip, facts.config));
  if (!policies.some((one) => isSelected(one, labels))) return `no policy selects ${node}`;
  const isWithoutEndpoint = holders.some((service) => facts.local.get(serviceKeyOf(service))?.has(node) === false);
  return isWithoutEndpoint ? `${node}: ${obstacleWords('no-endpoint')}` : undefined;
}

function isSelected(policies: Announcement, labels: Readonly<Record<string, string>>): boolean {
  if (!policies.announced) return false;
  return policies.advertisements.some(
    ({ nodeSelectors }) => nodeSelectors.length === 0 || matchesAny(nodeSelectors, labels),
  );
}
