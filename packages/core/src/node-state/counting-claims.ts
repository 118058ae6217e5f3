// SPDX-License-Identifier: Apache-2.0
/**
 * Who announces a VIP, from what the nodes say. On one segment the better claim counts, as among the nodes themselves;
 * on two segments, or two sides of a split one, there is an owner on each.
 */
import { compareText } from '../compare-text.ts';
import { type Claimant, compareClaims } from '../membership/claim.ts';
import type { SegmentState } from './node-state.ts';
import type { Standing } from './standing.ts';

/** The parts of a node's report that tell whose claims count. */
export interface NodeHearing {
  readonly bootId: string;
  /** Whether it has renewed its Lease lately. */
  readonly freshness: 'fresh' | 'unproven' | 'stale';
  readonly segments: readonly SegmentState[];
}

/** One node's word that it answers for a VIP on an interface. */
export interface NodeClaim {
  readonly node: string;
  readonly interface: string;
  readonly term: number;
  readonly sinceSeconds: number;
  /** Whether the VIP lies in no subnet of that interface. Default: false. */
  readonly isOutside?: boolean;
  /** Undefined: an older speaker, of which the higher term counts. */
  readonly standing?: Standing | undefined;
}

/** The claims that count, in the order of nodes and interfaces. */
export function countingClaims(
  vip: string,
  claims: readonly NodeClaim[],
  nodes: ReadonlyMap<string, NodeHearing>,
): readonly NodeClaim[] {
  const believed = claims.filter(({ node }) => isBelieved(node, nodes));
  const counting = believed.filter((claim) => !believed.some((other) => isBeaten(vip, [claim, other], nodes)));
  return counting.toSorted((a, b) => compareText(a.node, b.node) || compareText(a.interface, b.interface));
}

// A node that cannot reach the API server any more but is heard on the LAN goes on answering.
function isBelieved(node: string, nodes: ReadonlyMap<string, NodeHearing>): boolean {
  const report = nodes.get(node);
  if (report === undefined || report.freshness !== 'stale') return report !== undefined;
  return [...nodes.values()].some((other) => other.freshness !== 'stale' && hears(other.segments, node));
}

/**
 * Whether the other claim counts and this one does not. Of two nodes that hear each other the better claim does, as
 * among themselves. Where one alone hears, or last heard, the other, that one is silent for the other: it is dead and
 * this was its last word, or it has to yield, since the other never will.
 */
function isBeaten(
  vip: string,
  [claim, other]: readonly [NodeClaim, NodeClaim],
  nodes: ReadonlyMap<string, NodeHearing>,
): boolean {
  if (claim.node === other.node) return false;
  const [hearsOther, isHeard] = [hearsOn(claim, other, nodes), hearsOn(other, claim, nodes)];
  if (hearsOther !== isHeard) return hearsOther;
  return isHeard && compareClaims(vip, claimantOf(other, nodes), claimantOf(claim, nodes)) < 0;
}

function claimantOf({ node, term, standing }: NodeClaim, nodes: ReadonlyMap<string, NodeHearing>): Claimant {
  return { ...standing, node, term, bootId: nodes.get(node)?.bootId ?? '' };
}

/** Whether the node of a claim hears, or last heard, that of another one on its interface. */
function hearsOn(claim: NodeClaim, other: NodeClaim, nodes: ReadonlyMap<string, NodeHearing>): boolean {
  const segments = nodes.get(claim.node)?.segments ?? [];
  return hears(
    segments.filter((segment) => segment.interface === claim.interface),
    other.node,
  );
}

function hears(segments: readonly SegmentState[], node: string): boolean {
  return segments.some(({ members }) => members.some((member) => member.node === node));
}
