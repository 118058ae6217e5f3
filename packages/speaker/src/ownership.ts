// SPDX-License-Identifier: Apache-2.0
/**
 * Which VIPs this node owns. Every speaker computes the same from Nodes and Services, so they agree without talking; the members
 * are the Nodes that are Ready.
 */
import {
  type Candidate,
  type EligibilityOptions,
  eligibilityOf,
  eligibleNodes,
  type IpAddress,
  type L2Advertisement,
  matchesAny,
  type NodeFacts,
  placeOwner,
  type ServiceKey,
} from '@berth/core';
import type { WantedVip } from './wanted-vips.ts';

/** A VIP that this node owns. */
export interface OwnedVip {
  readonly vip: IpAddress;
  /** Keys of the Services that hold it, sorted. */
  readonly services: readonly ServiceKey[];
  /** Names of the interfaces on which it may be answered; undefined: all. */
  readonly interfaces: readonly string[] | undefined;
}

interface Judged extends Candidate {
  readonly labels: Readonly<Record<string, string>>;
}

interface Group {
  readonly vip: IpAddress;
  readonly services: ServiceKey[];
  readonly policies: Set<L2Advertisement>;
}

export class Ownership {
  readonly #self: string;
  readonly #options: EligibilityOptions;
  /** Owner by VIP and eligible nodes: hashing thousands of VIPs again for each event would cost more than all the rest. */
  #owners = new Map<string, string | undefined>();

  constructor(self: string, options: EligibilityOptions = {}) {
    this.#self = self;
    this.#options = options;
  }

  /** The VIPs of this node, in the order of their addresses. */
  decide(wanted: readonly WantedVip[], nodes: Iterable<NodeFacts>): OwnedVip[] {
    const judged = [...nodes].map((node) => this.#judge(node));
    const remembered = this.#owners;
    this.#owners = new Map();
    const owned: OwnedVip[] = [];
    for (const group of groupByVip(wanted)) {
      if (this.#ownerOf(group, judged, remembered) === this.#self) owned.push(this.#describe(group, judged));
    }
    return owned.sort((a, b) => a.vip.compare(b.vip));
  }

  #judge(node: NodeFacts): Judged {
    const eligibility = eligibilityOf(node, this.#options);
    return { name: node.metadata?.name ?? '', eligibility, labels: node.metadata?.labels ?? {} };
  }

  #ownerOf(
    group: Group,
    judged: readonly Judged[],
    remembered: ReadonlyMap<string, string | undefined>,
  ): string | undefined {
    const allowed = judged.filter((node) => [...group.policies].some((policy) => selects(policy, node)));
    const eligible = eligibleNodes(allowed);
    const key = `${group.vip} ${eligible.sort().join(' ')}`;
    const owner = remembered.has(key) ? remembered.get(key) : placeOwner({ vip: group.vip, eligible });
    this.#owners.set(key, owner);
    return owner;
  }

  #describe(group: Group, judged: readonly Judged[]): OwnedVip {
    const self = judged.find((node) => node.name === this.#self);
    const policies = [...group.policies].filter((policy) => self && selects(policy, self));
    const isEverywhere = policies.some((policy) => policy.interfaces.length === 0);
    const interfaces = isEverywhere ? undefined : [...new Set(policies.flatMap((policy) => policy.interfaces))];
    return { vip: group.vip, services: group.services.sort(), interfaces };
  }
}

// Services that share a VIP share its owner, so they are placed together.
function groupByVip(wanted: readonly WantedVip[]): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const { vip, service, policies } of wanted) {
    const group = groups.get(String(vip)) ?? { vip, services: [], policies: new Set() };
    group.services.push(service);
    for (const policy of policies) group.policies.add(policy);
    groups.set(String(vip), group);
  }
  return groups.values();
}

function selects(policy: L2Advertisement, node: Judged): boolean {
  return policy.nodeSelectors.length === 0 || matchesAny(policy.nodeSelectors, node.labels);
}
