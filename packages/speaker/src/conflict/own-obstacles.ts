// SPDX-License-Identifier: Apache-2.0
/**
 * Why this node does not answer for a VIP, as far as the cluster's wishes decide that: for the condition
 * `berth.dev/Announced` of a Service that no one answers for. Pure.
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
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { Segment } from '../layer2/segments.ts';
import type { Answering } from '../membership/memberships-options.ts';
import { groupByVip } from '../membership/vip-groups.ts';

export interface ObstacleFacts {
  /** This node as the cluster knows it; undefined while it does not. */
  readonly node: NodeFacts | undefined;
  /** Why this node may own nothing; empty when it may. */
  readonly ineligible: string;
  /** The fitting interfaces, whether a policy names them or not. */
  readonly segments: readonly Segment[];
  /** Names of those that leave their segment to another interface of this node. */
  readonly shadowed: ReadonlySet<string>;
  /** What this node could answer. */
  readonly answering: Answering;
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
  { node, ineligible, segments, shadowed, answering, candidatesOf }: ObstacleFacts,
): NotAnnouncedReason | undefined {
  const fitting = segments.filter(({ families }) => families.includes(vip.family));
  if (fitting.length === 0) return 'no-segment';
  const labels = node?.metadata?.labels ?? {};
  const selecting = policies.filter(
    ({ nodeSelectors }) => nodeSelectors.length === 0 || matchesAny(nodeSelectors, labels),
  );
  const usable = fitting.filter(({ ifname }) =>
    selecting.some(({ interfaces }) => interfaces.length === 0 || interfaces.includes(ifname)),
  );
  // Names of interfaces are known here only, so no other node can say so.
  if (selecting.length > 0 && usable.length === 0) return 'no-interface';
  if (usable.length > 0 && usable.every(({ ifname }) => shadowed.has(ifname))) return 'same-segment';
  if (usable.length > 0 && !usable.some((one) => answering.isAttached(one))) return 'not-attached';
  if (answering.lacks(vip)) return 'no-room';
  if (candidatesOf(vip).length > 0) return undefined;
  if (ineligible !== '') return 'not-eligible';
  return selecting.length === 0 ? 'not-selected' : 'no-endpoint';
}
