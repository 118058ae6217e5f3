// SPDX-License-Identifier: Apache-2.0
/**
 * What is wrong with the contact between the nodes that announce a VIP and the other nodes, from what all of them say.
 */
import type { NodeClaim, NodeHearing } from './counting-claims.ts';
import type { SegmentState } from './node-state.ts';

export type ContactLoss =
  /** The other nodes do not hear its heartbeats; it answers for its VIPs all the same, so nothing is taken over. */
  | {
      readonly kind: 'HeartbeatsLost';
      readonly node: string;
      readonly interface: string;
      readonly unheardBy: readonly string[];
    }
  /** By its own word it hears neither most of the others nor a witness. */
  | { readonly kind: 'CutOff'; readonly node: string; readonly interface: string }
  /** Ready nodes of the same subnet that it neither hears nor gets an answer from: they may answer for the same VIP. */
  | {
      readonly kind: 'NodesNotReached';
      readonly node: string;
      readonly interface: string;
      readonly notReached: readonly string[];
    };

/**
 * One row at most for each node and interface of the claims, in their order. Nodes that are not believed say nothing.
 */
export function contactLosses(
  claims: readonly NodeClaim[],
  nodes: ReadonlyMap<string, NodeHearing>,
): readonly ContactLoss[] {
  // Nearly always there is nothing to tell.
  if (![...nodes.values()].some(({ segments }) => segments.some(isRemarkable))) return [];
  return claims.flatMap(({ node, interface: ifname }): ContactLoss[] => {
    const unheardBy = [...nodes].filter(([, other]) => believed(other).some((one) => isLost(one, node)));
    const names = unheardBy.map(([name]) => name);
    // Whom others get answers from is not cut off, whatever it takes itself for.
    if (names.length > 0) return [{ kind: 'HeartbeatsLost', node, interface: ifname, unheardBy: names }];
    const own = believed(nodes.get(node)).find((segment) => segment.interface === ifname);
    if (own?.contact === 'cut-off') return [{ kind: 'CutOff', node, interface: ifname }];
    const notReached = own?.notReached ?? [];
    return notReached.length > 0 ? [{ kind: 'NodesNotReached', node, interface: ifname, notReached }] : [];
  });
}

function isRemarkable({ contact, members, notReached }: SegmentState): boolean {
  return contact !== undefined || notReached !== undefined || members.some(({ hearing }) => hearing === 'lost');
}

function believed(report: NodeHearing | undefined): readonly SegmentState[] {
  return report === undefined || report.freshness === 'stale' ? [] : report.segments;
}

function isLost({ members }: SegmentState, node: string): boolean {
  return members.some((member) => member.node === node && member.hearing === 'lost');
}
