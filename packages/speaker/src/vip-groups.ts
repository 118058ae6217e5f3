// SPDX-License-Identifier: Apache-2.0
/** What the cluster wants, put together for each VIP: the Services that share it, and the nodes that may own it on a segment. Pure. */
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
import type { Segment } from './segments.ts';
import type { WantedVip } from './wanted-vips.ts';

/** One VIP with everything that is wanted of it. */
export interface VipGroup {
  readonly vip: IpAddress;
  readonly services: ReadonlySet<ServiceKey>;
  readonly policies: ReadonlySet<L2Advertisement>;
  /** The nodes with endpoints of all Services that want local ones; undefined when the endpoints do not matter. */
  readonly local: ReadonlySet<string> | undefined;
}

/** Names of the nodes with a usable endpoint of a Service; undefined while that is not known. */
export type LocalNodes = (service: ServiceKey) => ReadonlySet<string> | undefined;

/** By the text of the VIP. Services that share a VIP share its owner, so they are placed together. */
export function groupByVip(wanted: readonly WantedVip[], localNodes: LocalNodes): ReadonlyMap<string, VipGroup> {
  const groups = new Map<string, VipGroup & { services: Set<ServiceKey>; policies: Set<L2Advertisement> }>();
  for (const { vip, service, policies, isLocal = false } of wanted) {
    const key = String(vip);
    const known = groups.get(key) ?? { vip, services: new Set(), policies: new Set(), local: undefined };
    known.services.add(service);
    for (const policy of policies) known.policies.add(policy);
    const local = isLocal ? inBoth(known.local, localNodes(service)) : known.local;
    groups.set(key, { ...known, local });
  }
  return groups;
}

export interface CandidateFacts {
  readonly nodeName: string;
  readonly nodes: readonly NodeFacts[];
  readonly eligibility: EligibilityOptions;
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
    const key = keyOf(group);
    const candidates = known.get(key) ?? candidatesOn(segment, group, facts);
    known.set(key, candidates);
    return { vip: group.vip, candidates };
  });
}

// Names of interfaces are this node's own: of others it is not known which of theirs is in this segment.
function candidatesOn(segment: Segment, { policies, local }: VipGroup, facts: CandidateFacts): VipCandidate[] {
  const { nodeName, nodes, eligibility } = facts;
  const candidates = vipCandidates({ policies: [...policies], nodes, local, eligibility });
  const isAllowedHere = [...policies].some(
    ({ interfaces }) => interfaces.length === 0 || interfaces.includes(segment.ifname),
  );
  return isAllowedHere ? candidates : candidates.filter(({ node }) => node !== nodeName);
}

function keyOf({ policies, local }: VipGroup): string {
  const names = [...policies].map(({ name }) => name).sort();
  return [...names, local && `on ${[...local].sort()}`].join(' ');
}

function inBoth(
  a: ReadonlySet<string> | undefined,
  b: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return a && b ? new Set([...a].filter((node) => b.has(node))) : (a ?? b);
}
