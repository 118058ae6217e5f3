// SPDX-License-Identifier: Apache-2.0
/** Whether a node could answer for a VIP, and if not why: by what the speakers themselves go by, and by what the node says of itself. */
import {
  type Announcement,
  type IpAddress,
  matchesAny,
  type NotAnnouncedReason,
  nodesWithEndpoint,
  policiesOfVip,
  shownAddressesOf,
} from '@berth/core';
import { endpointSlices, type KubeApi, keyOf, type Node, nodes, type Service } from '@berth/kube';
import { type ClusterState, listAll, readClusterState } from './cluster-state.ts';
import { isLive, type LiveReport, type NodeReport, readReports } from './node-reports.ts';
import type { ClusterOptions } from './operation.ts';

const SERVICE_OF_SLICE = 'kubernetes.io/service-name';

export interface Placement {
  readonly state: ClusterState;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly reports: readonly NodeReport[];
  /** Nodes with a usable endpoint, for each Service with `externalTrafficPolicy: Local`. */
  readonly local: ReadonlyMap<string, ReadonlySet<string>>;
}

export async function readPlacement(api: KubeApi, cluster: ClusterOptions, nowMs: number): Promise<Placement> {
  const [state, allNodes, reports, slices] = await Promise.all([
    readClusterState(api, cluster),
    listAll(api, nodes),
    readReports(api, cluster.berthNamespace, nowMs),
    listAll(api, endpointSlices),
  ]);
  const byService = Map.groupBy(
    slices,
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[SERVICE_OF_SLICE] ?? ''}`,
  );
  const localServices = state.services.filter(({ spec }) => spec?.externalTrafficPolicy === 'Local');
  return {
    ...{ state, reports },
    nodes: new Map(allNodes.map((node) => [node.metadata.name, node])),
    local: new Map(
      localServices.map((service) => [keyOf(service), nodesWithEndpoint(byService.get(keyOf(service)) ?? [])]),
    ),
  };
}

/** The Services that hold a VIP. */
export function holdersOf(vip: IpAddress, { state }: Placement): readonly Service[] {
  return state.services.filter((service) => shownAddressesOf(service).some((address) => address.equals(vip)));
}

/** A live node, or why it is none. */
export function liveNode(node: string, { nodes: known, reports }: Placement): LiveReport | string {
  if (!known.has(node)) return `there is no node ${node}`;
  const report = reports.find((one) => one.node === node);
  if (report === undefined) return `no speaker is heard of from node ${node}`;
  if (isLive(report)) return report;
  return report.problem ?? `the speaker of node ${node} has not been heard of since ${timeOf(report.renewedMs)}`;
}

/** Why a node may not own a VIP; undefined when it may. */
export function obstacleTo(vip: IpAddress, report: LiveReport, placement: Placement): string | undefined {
  const { node, state } = report;
  if (state.ineligible !== '') return `${node} may own nothing: ${state.ineligible}`;
  const remark = state.notAnnounced.find((one) => one.vip.equals(vip));
  if (remark !== undefined) return `${node} ${REMARKS[remark.why]}`;
  const holders = holdersOf(vip, placement);
  const labels = placement.nodes.get(node)?.metadata.labels ?? {};
  const policies = holders.map((service) => policiesOfVip(service, vip, placement.state.config));
  if (!policies.some((one) => isSelected(one, labels))) return `no policy selects ${node}`;
  const isWithoutEndpoint = holders.some((service) => placement.local.get(keyOf(service))?.has(node) === false);
  return isWithoutEndpoint ? `${node} ${REMARKS['no-endpoint']}` : undefined;
}

const REMARKS: Readonly<Record<NotAnnouncedReason, string>> = {
  probing: 'still asks whether somebody uses it',
  conflict: 'found that somebody else uses it',
  'no-interface': 'has no interface that the policy names',
  'no-segment': 'has no usable interface for its family',
  'not-selected': 'is selected by no policy',
  'no-endpoint': 'has no usable endpoint of the Service',
  'not-eligible': 'may own nothing',
};

function isSelected(policies: Announcement, labels: Readonly<Record<string, string>>): boolean {
  if (!policies.announced) return false;
  return policies.advertisements.some(
    ({ nodeSelectors }) => nodeSelectors.length === 0 || matchesAny(nodeSelectors, labels),
  );
}

export function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
