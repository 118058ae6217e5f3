// SPDX-License-Identifier: Apache-2.0
/**
 * The claims of all nodes by VIP, kept current from report to report, and what each node says about VIPs that it does
 * not answer for.
 */
import {
  type ContactLoss,
  contactLosses,
  countingClaims,
  type NodeClaim,
  type NodeHearing,
  type NodeObstacle,
  type NodeReport,
  type NodeState,
  type NotAnnouncedReason,
  type Standing,
} from '@berth/core';
import type { NodeStateChange } from '../cluster/node-states.ts';

/** What is kept of a report besides its claims. */
interface KnownNode extends NodeHearing {
  readonly ineligible: string;
  readonly obstacles: ReadonlyMap<string, NotAnnouncedReason>;
}

export class ClaimIndex {
  readonly #nodes = new Map<string, KnownNode>();
  /** By VIP; never an empty list. */
  readonly #claims = new Map<string, readonly NodeClaim[]>();
  /** The VIPs that a node claims. */
  readonly #claimed = new Map<string, ReadonlySet<string>>();

  /**
   * Takes over a change; returns the VIPs for which another finding is possible. Whoever looks at a VIP that no one
   * answers for should look again after any change.
   */
  take({ node, before, after }: NodeStateChange): ReadonlySet<string> {
    const previous = this.#claimed.get(node) ?? new Set();
    const known = after?.state && knownNodeOf(after, after.state);
    if (known) this.#nodes.set(node, known);
    else this.#nodes.delete(node);
    const touched = this.#replaceClaims(node, after?.state);
    // Whom it hears decides whose claims count against each other, and whether it is believed decides about all of its
    // own.
    const isOtherwiseChanged = before?.freshness !== after?.freshness || isHearingChanged(before?.state, after?.state);
    if (!isOtherwiseChanged) return touched;
    // A node that does not hear another counts against the VIPs of that other one.
    const unheard = [...unheardIn(before?.state), ...unheardIn(after?.state)];
    const theirs = unheard.flatMap((other) => [...(this.#claimed.get(other) ?? [])]);
    return new Set([...touched, ...previous, ...(this.#claimed.get(node) ?? []), ...theirs]);
  }

  /** The claims to a VIP that count. */
  claimsOn(vip: string): readonly NodeClaim[] {
    const claims = this.#claims.get(vip);
    return claims === undefined ? [] : countingClaims(vip, claims, this.#nodes);
  }

  /** What is wrong with the contact between the nodes of these claims and the others. */
  contactsOf(claims: readonly NodeClaim[]): readonly ContactLoss[] {
    return contactLosses(claims, this.#nodes);
  }

  /** Whether some node has not been heard since this replica began to watch. */
  get isWaiting(): boolean {
    return [...this.#nodes.values()].some(({ freshness }) => freshness === 'unproven');
  }

  /** Whether all of these come from nodes that were heard since this replica began to watch. */
  isProven(claims: readonly NodeClaim[]): boolean {
    return claims.every(({ node }) => this.#nodes.get(node)?.freshness === 'fresh');
  }

  /** What each node that is believed says about a VIP that no one answers for. */
  obstaclesTo(vip: string): readonly NodeObstacle[] {
    const believed = [...this.#nodes].filter(([, { freshness }]) => freshness !== 'stale');
    return believed
      .map(([node, { obstacles, ineligible }]) => ({ node, why: obstacles.get(vip), ineligible }))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  #replaceClaims(node: string, state: NodeState | undefined): Set<string> {
    const touched = new Set<string>();
    const next = claimsBy(node, state);
    for (const vip of this.#claimed.get(node) ?? []) if (!next.has(vip)) touched.add(vip);
    for (const [vip, claims] of next) if (!isSameClaims(this.#ownClaims(vip, node), claims)) touched.add(vip);
    for (const vip of touched) this.#put(vip, node, next.get(vip) ?? []);
    this.#claimed.set(node, new Set(next.keys()));
    if (next.size === 0) this.#claimed.delete(node);
    return touched;
  }

  #ownClaims(vip: string, node: string): readonly NodeClaim[] {
    return (this.#claims.get(vip) ?? []).filter((claim) => claim.node === node);
  }

  #put(vip: string, node: string, own: readonly NodeClaim[]): void {
    const others = (this.#claims.get(vip) ?? []).filter((claim) => claim.node !== node);
    const all = [...others, ...own];
    if (all.length > 0) this.#claims.set(vip, all);
    else this.#claims.delete(vip);
  }
}

function knownNodeOf({ freshness }: NodeReport, state: NodeState): KnownNode {
  const { bootId, segments, ineligible, notAnnounced } = state;
  return {
    bootId,
    freshness,
    segments,
    ineligible,
    obstacles: new Map(notAnnounced.map((one) => [String(one.vip), one.why])),
  };
}

function claimsBy(node: string, state: NodeState | undefined): Map<string, NodeClaim[]> {
  const claims = new Map<string, NodeClaim[]>();
  for (const { vip, interface: ifname, term, sinceSeconds, standing, isOutside = false } of state?.owned ?? []) {
    const claim = { node, interface: ifname, term, sinceSeconds, isOutside, standing };
    const known = claims.get(String(vip));
    if (known) known.push(claim);
    else claims.set(String(vip), [claim]);
  }
  return claims;
}

function unheardIn(state: NodeState | undefined): string[] {
  const members = state?.segments.flatMap((segment) => segment.members) ?? [];
  return members.filter(({ hearing }) => hearing === 'lost').map(({ node }) => node);
}

function isHearingChanged(before: NodeState | undefined, after: NodeState | undefined): boolean {
  return JSON.stringify(before?.segments) !== JSON.stringify(after?.segments);
}

function isSameStanding(a: Standing | undefined, b: Standing | undefined): boolean {
  return a?.yieldsTo === b?.yieldsTo && a?.isWeak === b?.isWeak && a?.isFresh === b?.isFresh;
}

function isSameClaims(a: readonly NodeClaim[], b: readonly NodeClaim[]): boolean {
  const isSame = (one: NodeClaim, other: NodeClaim | undefined) =>
    one.interface === other?.interface &&
    one.term === other.term &&
    one.sinceSeconds === other.sinceSeconds &&
    one.isOutside === other.isOutside &&
    isSameStanding(one.standing, other.standing);
  return a.length === b.length && a.every((one, index) => isSame(one, b[index]));
}
