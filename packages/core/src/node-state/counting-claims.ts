// SPDX-License-Identifier: Apache-2.0
/**
 * Who announces a VIP, from what the nodes say. On one segment the better claim counts, as among the nodes themselves; on two segments, or
 * two sides of a split one, there is an owner on each.
 */
import { compareText } from '../compare-text.ts';
import { type Claimant, compareClaims } from '../membership/claim.ts';
import type { SegmentState } from './node-state.ts';

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
}

/** The claims that count, in the order of nodes and interfaces. */
export function countingClaims(
  vip: string,
  claims: readonly NodeClaim[],
  nodes: ReadonlyMap<string, NodeHearing>,
): readonly NodeClaim[] {
  const believed = claims.filter(({ node }) => isBelieved(node, nodes));
  const counting = believed.filter(
    (claim) => !believed.some((other) => isBetter(vip, [other, claim], nodes) && isSameSegment(claim, other, nodes)),
  );
  return counting.toSorted((a, b) => compareText(a.node, b.node) || compareText(a.interface, b.interface));
}

// A node that cannot reach the API server any more but is heard on the LAN goes on answering.
function isBelieved(node: string, nodes: ReadonlyMap<string, NodeHearing>): boolean {
  const report = nodes.get(node);
  if (report === undefined || report.freshness !== 'stale') return report !== undefined;
  return [...nodes.values()].some((other) => other.freshness !== 'stale' && hears(other.segments, node));
}

function isBetter(
  vip: string,
  [a, b]: readonly [NodeClaim, NodeClaim],
  nodes: ReadonlyMap<string, NodeHearing>,
): boolean {
  if (a.node === b.node) return false;
  const claimant = ({ node, term }: NodeClaim): Claimant => ({ node, term, bootId: nodes.get(node)?.bootId ?? '' });
  return compareClaims(vip, claimant(a), claimant(b)) < 0;
}

/** One of the two hears, or last heard, the other there. */
function isSameSegment(a: NodeClaim, b: NodeClaim, nodes: ReadonlyMap<string, NodeHearing>): boolean {
  const heardBy = (one: NodeClaim, other: NodeClaim) => {
    const segments = nodes.get(one.node)?.segments ?? [];
    return hears(
      segments.filter((segment) => segment.interface === one.interface),
      other.node,
    );
  };
  return heardBy(a, b) || heardBy(b, a);
}

function hears(segments: readonly SegmentState[], node: string): boolean {
  return segments.some(({ members }) => members.some((member) => member.node === node));
}
