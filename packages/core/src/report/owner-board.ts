// SPDX-License-Identifier: Apache-2.0
/**
 * Who owns what on each segment, moved on by the rules of the speakers: for an owner that leaves it shows what
 * its speaker would offer, for owners that die what the others would take.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { byStanding, foremost, type VipCandidate } from '../placement/candidate.ts';
import { placeOrphans } from '../placement/orphan-plan.ts';
import { vipCandidates } from '../placement/vip-candidates.ts';
import { type KubeService, serviceKeyOf } from '../service/kube-service.ts';
import { policiesOfVip } from '../service/vip-policies.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { holdersOf, obstacleTo } from './node-obstacle.ts';
import { isLive, type LiveReport } from './node-report.ts';
import { type SegmentGroup, segmentGroups } from './segment-groups.ts';

/** A VIP on a segment, and who owns it there. */
export interface Holding {
  readonly vip: IpAddress;
  readonly services: readonly KubeService[];
  readonly group: SegmentGroup;
  /** Undefined: no one. */
  readonly owner: string | undefined;
}

export class OwnerBoard {
  readonly #facts: ClusterFacts;
  readonly #groups: readonly SegmentGroup[];
  #holdings: readonly Holding[];
  /** Nodes that may own nothing any more. */
  readonly #out = new Set<string>();
  /** Most VIPs have the same policies, and share one list of candidates. */
  readonly #candidates = new Map<string, readonly VipCandidate[]>();

  /** `facts`: with the configuration that is to be in force. */
  constructor(facts: ClusterFacts) {
    this.#facts = facts;
    this.#groups = segmentGroups(facts.reports.filter(isLive));
    this.#holdings = this.#groups.flatMap((group) => this.#holdingsIn(group));
  }

  get holdings(): readonly Holding[] {
    return this.#holdings;
  }

  /** Adds VIPs that no one owns yet, on every segment that has an address of their family. */
  add(vips: readonly { readonly vip: IpAddress; readonly services: readonly KubeService[] }[]): void {
    const isHeld = (vip: IpAddress, group: SegmentGroup) =>
      this.#holdings.some((one) => one.group === group && one.vip.equals(vip));
    const added = vips.flatMap(({ vip, services }) =>
      this.#groups.flatMap((group) => (isHeld(vip, group) ? [] : [{ vip, services, group, owner: undefined }])),
    );
    this.#holdings = [...this.#holdings, ...added];
    this.#takeOrphans();
  }

  /** Has owners hand over what they may not own by what the configuration says. */
  applyPolicies(): void {
    for (const node of this.#owners())
      this.#handOver(node, (one) => !this.#candidatesOf(one).some((all) => all.node === node));
  }

  /** Has a node hand over all that it owns, and gives it nothing more. */
  drain(node: string): void {
    this.#out.add(node);
    this.#handOver(node, () => true);
  }

  /** Takes nodes away at once; the others take what they owned. */
  lose(nodes: readonly string[]): void {
    for (const node of nodes) this.#out.add(node);
    this.#holdings = this.#holdings.map((one) =>
      one.owner !== undefined && nodes.includes(one.owner) ? { ...one, owner: undefined } : one,
    );
    this.#takeOrphans();
  }

  /** Why no one could own it, for each node that is there. */
  whyNoOne({ vip, group }: Holding): string {
    const others = group.members.filter(({ report }) => !this.#out.has(report.node));
    const texts = others.map(({ report }) => obstacleTo(vip, report, this.#facts) ?? `${report.node} does not take it`);
    return texts.join(', ') || 'no other node is heard there';
  }

  #handOver(node: string, isDue: (one: Holding) => boolean): void {
    for (const group of this.#groups) {
      const due = this.#holdings.filter((one) => one.group === group && one.owner === node && isDue(one));
      if (due.length === 0) continue;
      const heard = group.members.find(({ report }) => report.node === node)?.segment.members ?? [];
      const names = new Set(heard.filter(({ hearing }) => hearing === 'both').map((one) => one.node));
      this.#give(due, (one) => this.#candidatesOf(one).filter((all) => names.has(all.node)));
    }
  }

  #takeOrphans(): void {
    for (const group of this.#groups) {
      const orphans = this.#holdings.filter((one) => one.group === group && one.owner === undefined);
      this.#give(orphans, (one) => this.#candidatesOf(one));
    }
  }

  #give(due: readonly Holding[], candidatesOf: (one: Holding) => readonly VipCandidate[]): void {
    const [first] = due;
    if (first === undefined) return;
    const rows = due.map((one) => ({ vip: one.vip, candidates: candidatesOf(one) }));
    const owners = placeOrphans(rows, this.loadsIn(first.group));
    const given = new Set(due);
    this.#holdings = this.#holdings.map((one) =>
      given.has(one) ? { ...one, owner: owners.get(String(one.vip)) } : one,
    );
  }

  /** The nodes that stand before the owner, whatever each owns: by policies, or since it is not well. */
  betterThanOwner(one: Holding): readonly string[] {
    const candidates = this.#candidatesOf(one);
    const own = candidates.find(({ node }) => node === one.owner);
    if (own === undefined) return [];
    return foremost(candidates).flatMap((other) => (byStanding(other, own) < 0 ? [other.node] : []));
  }

  /** VIPs that each node owns on a segment. */
  loadsIn(group: SegmentGroup): Map<string, number> {
    const loads = new Map<string, number>();
    for (const one of this.#holdings)
      if (one.group === group && one.owner !== undefined) loads.set(one.owner, (loads.get(one.owner) ?? 0) + 1);
    return loads;
  }

  #owners(): string[] {
    return [...new Set(this.#holdings.flatMap(({ owner }) => owner ?? []))].sort();
  }

  /**
   * The nodes that are at work on the segment and may own it. What a node says against itself counts, as it does on the
   * wire.
   */
  #candidatesOf({ vip, services, group }: Holding): readonly VipCandidate[] {
    const announcements = services.map((service) => policiesOfVip(service, vip, this.#facts.config));
    const policies = [...new Set(announcements.flatMap((one) => (one.announced ? one.advertisements : [])))];
    const local = services.flatMap((service) => this.#facts.local.get(serviceKeyOf(service)) ?? []);
    const key = [
      group.id,
      policies.map(({ name }) => name).join(),
      ...local.map((nodes) => [...nodes].join()),
      ...this.#out,
    ].join(';');
    const remarked = group.members.filter(({ report }) => report.state.notAnnounced.some((one) => one.vip.equals(vip)));
    const known = this.#candidates.get(key);
    const all = known ?? this.#allCandidates(group, { policies, local });
    this.#candidates.set(key, all);
    return remarked.length === 0 ? all : all.filter(({ node }) => !remarked.some(({ report }) => report.node === node));
  }

  #allCandidates(
    group: SegmentGroup,
    {
      policies,
      local,
    }: {
      readonly policies: Parameters<typeof vipCandidates>[0]['policies'];
      readonly local: readonly ReadonlySet<string>[];
    },
  ): readonly VipCandidate[] {
    const atWork = new Map<string, LiveReport>(
      group.members
        .filter(
          ({ report, segment }) =>
            segment.phase === 'active' && segment.answer !== 'none' && report.state.ineligible === '',
        )
        .map(({ report }) => [report.node, report]),
    );
    const nodes = [...this.#facts.nodes.values()].filter(
      ({ metadata }) =>
        atWork.has(metadata.name) && !this.#out.has(metadata.name) && local.every((names) => names.has(metadata.name)),
    );
    // The speakers' options say how labels and cordons count; each node reports the outcome itself, as `ineligible`.
    const candidates = vipCandidates({ policies, nodes, eligibility: { excludeLabel: 'ignore', cordoned: 'serve' } });
    return candidates.map((one) =>
      atWork.get(one.node)?.state.fitness === 'unfit' ? { ...one, standing: 'last-resort' } : one,
    );
  }

  #holdingsIn(group: SegmentGroup): Holding[] {
    const places = new Map(group.members.map(({ report, segment }) => [report.node, segment.interface]));
    return [...this.#facts.claims.vips()].flatMap((text): Holding[] => {
      const owner = this.#facts.claims
        .ownersOf(text)
        .find(({ node, interface: ifname }) => places.get(node) === ifname);
      return owner ? [{ vip: owner.vip, services: holdersOf(owner.vip, this.#facts), group, owner: owner.node }] : [];
    });
  }
}
