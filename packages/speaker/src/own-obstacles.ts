// SPDX-License-Identifier: Apache-2.0
/**
 * Why this node does not answer for a VIP, as far as the cluster's wishes decide that: for the condition `berth.dev/Announced` of a Service that
 * nobody answers for. Pure.
 */
import {
  type IpAddress,
  type L2Advertisement,
  matchesAny,
  type NodeFacts,
  type NotAnnounced,
  type NotAnnouncedReason,
  type VipCandidate,
} from '@berth/core';
import type { Segment } from './segments.ts';
import { groupByVip } from './vip-groups.ts';
import type { WantedVip } from './wanted-vips.ts';

export interface ObstacleFacts {
  /** This node as the cluster knows it; undefined while it does not. */
  readonly node: NodeFacts | undefined;
  /** Why this node may own nothing; empty when it may. */
  readonly ineligible: string;
  /** The interfaces on which it takes part. */
  readonly segments: readonly Segment[];
  /** The nodes that may own a VIP, by what the cluster says. */
  candidatesOf(vip: IpAddress): readonly VipCandidate[];
}

/** One row for each VIP that has something in its way here. */
export function ownObstacles(wanted: readonly WantedVip[], facts: ObstacleFacts): NotAnnounced[] {
  // Where the endpoints are is part of what the facts say of candidates.
  const groups = groupByVip(wanted, () => undefined);
  return [...groups.values()].flatMap(({ vip, policies }) => {
    const why = obstacleOf(vip, [...policies], facts);
    return why === undefined ? [] : [{ vip, why }];
  });
}

function obstacleOf(
  vip: IpAddress,
  policies: readonly L2Advertisement[],
  { node, ineligible, segments, candidatesOf }: ObstacleFacts,
): NotAnnouncedReason | undefined {
  const fitting = segments.filter(({ families }) => families.includes(vip.family));
  if (fitting.length === 0) return 'no-segment';
  const labels = node?.metadata?.labels ?? {};
  const selecting = policies.filter(
    ({ nodeSelectors }) => nodeSelectors.length === 0 || matchesAny(nodeSelectors, labels),
  );
  const isAllowed = ({ interfaces }: L2Advertisement) =>
    interfaces.length === 0 || fitting.some(({ ifname }) => interfaces.includes(ifname));
  // Names of interfaces are known here only, so nobody else can tell.
  if (selecting.length > 0 && !selecting.some(isAllowed)) return 'no-interface';
  if (candidatesOf(vip).length > 0) return undefined;
  if (ineligible !== '') return 'not-eligible';
  return selecting.length === 0 ? 'not-selected' : 'no-endpoint';
}
