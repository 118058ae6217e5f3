// SPDX-License-Identifier: Apache-2.0
/**
 * What the cluster wants, put together for each VIP: the Services that share it, and the nodes that may own it on a
 * segment. Pure.
 */
import {
  type DesiredVip,
  type EligibilityOptions,
  type IpAddress,
  type L2Advertisement,
  type NodeFacts,
  type ServiceKey,
  type VipCandidate,
  vipCandidates,
} from '@berth/core';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { Segment } from '../layer2/segments.ts';

/** One VIP with everything that is wanted of it. */
export interface VipGroup {
  readonly vip: IpAddress;
  /** Sorted. */
  readonly services: readonly ServiceKey[];
  readonly policies: ReadonlySet<L2Advertisement>;
  /** The nodes with endpoints of all Services that want local ones; undefined when the endpoints do not matter. */
  readonly local: ReadonlySet<string> | undefined;
  /** The same text for VIPs with the same policies and the same local nodes. */
  readonly kind: string;
}

/** Names of the nodes with a usable endpoint of a Service; undefined while that is not known. */
export type LocalNodes = (service: ServiceKey) => ReadonlySet<string> | undefined;

/** Groups of one wish whose endpoints do not matter, which nearly all are; they stay the same as long as the wish. */
const groupsOfOne = new WeakMap<WantedVip, VipGroup>();

/** By the text of the VIP. Services that share a VIP share its owner, so they are placed together. */
export function groupByVip(wanted: readonly WantedVip[], localNodes: LocalNodes): ReadonlyMap<string, VipGroup> {
  const groups = new Map<string, VipGroup>();
  for (const one of wanted) {
    const key = String(one.vip);
    const before = groups.get(key);
    groups.set(key, before ? withWish(before, one, localNodes) : groupOfOne(one, localNodes));
  }
  return groups;
}

function groupOfOne(one: WantedVip, localNodes: LocalNodes): VipGroup {
  const { vip, service, policies, isLocal = false } = one;
  const known = groupsOfOne.get(one);
  if (known) return known;
  const local = isLocal ? localNodes(service) : undefined;
  const group = newGroup({ vip, services: [service], policies: new Set(policies), local });
  if (!isLocal) groupsOfOne.set(one, group);
  return group;
}

function withWish({ vip, ...before }: VipGroup, wish: WantedVip, localNodes: LocalNodes): VipGroup {
  const services = [...new Set([...before.services, wish.service])].sort();
  const policies = new Set([...before.policies, ...wish.policies]);
  const local = wish.isLocal ? inBoth(before.local, localNodes(wish.service)) : before.local;
  return newGroup({ vip, services, policies, local });
}

function newGroup(group: Omit<VipGroup, 'kind'>): VipGroup {
  const names = [...group.policies].map(({ name }) => name).sort();
  return { ...group, kind: [...names, group.local && `on ${[...group.local].sort()}`].join(' ') };
}

export interface CandidateFacts {
  readonly nodeName: string;
  readonly nodes: readonly NodeFacts[];
  readonly eligibility: EligibilityOptions;
  /** Whether this node could answer for the VIP on the segment: what it cannot answer it must not claim. */
  canAnswer(segment: Segment, vip: IpAddress): boolean;
}

/** What a segment should answer for. Most VIPs have the same policies, and share one array of candidates. */
export function desiredOn(
  segment: Segment,
  groups: ReadonlyMap<string, VipGroup>,
  facts: CandidateFacts,
): DesiredVip[] {
  const known = new Map<string, readonly VipCandidate[]>();
  const fitting = [...groups.values()].filter(({ vip }) => segment.families.includes(vip.family));
  return fitting.map((group) => {
    const kind = facts.canAnswer(segment, group.vip) ? group.kind : `${group.kind} elsewhere`;
    const candidates = known.get(kind) ?? candidatesOn(segment, group, facts);
    known.set(kind, candidates);
    return { vip: group.vip, candidates };
  });
}

// Names of interfaces are this node's own: of others it is not known which of theirs is in this segment.
function candidatesOn(segment: Segment, { vip, policies, local }: VipGroup, facts: CandidateFacts): VipCandidate[] {
  const { nodeName, nodes, eligibility } = facts;
  const candidates = vipCandidates({ policies: [...policies], nodes, local, eligibility });
  const isAllowedHere = [...policies].some(
    ({ interfaces }) => interfaces.length === 0 || interfaces.includes(segment.ifname),
  );
  return isAllowedHere && facts.canAnswer(segment, vip)
    ? candidates
    : candidates.filter(({ node }) => node !== nodeName);
}

function inBoth(
  a: ReadonlySet<string> | undefined,
  b: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return a && b ? new Set([...a].filter((node) => b.has(node))) : (a ?? b);
}
