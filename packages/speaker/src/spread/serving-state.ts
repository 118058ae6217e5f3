// SPDX-License-Identifier: Apache-2.0
/** What this node tells people of who serves the VIPs that it answers for and that every node is to serve. Pure. */
import type { AloneState, OwnSet, ServerState, ServingState, SetMember, SpreadState } from '@berth/core';
import type { ServedVip } from '../layer2/wire.ts';
import { codeOf } from './move-doubts.ts';
import type { ServeWish } from './served-services.ts';
import type { SpreadObstacle } from './spread-table-port.ts';

export interface ServingFacts {
  readonly wishes: ReadonlyMap<string, ServeWish>;
  readonly obstacle: SpreadObstacle | undefined;
  /** VIPs that the tables have no room for. */
  readonly crowded: ReadonlySet<string>;
  /** What is known of the segment of an interface; undefined: this node takes no part there. */
  segmentOf(ifname: string): ServingSegment | undefined;
  /** Seconds since 1970 at a time of the monotonic clock. */
  secondsAt(ms: number): number;
}

export interface ServingSegment {
  readonly state: SpreadState;
  /** Nodes that may own a VIP and take no part. */
  lackingFor(vip: string): readonly string[];
}

/** One for each VIP that asks for it, and interface on which it is answered. */
export function servingStates(served: readonly ServedVip[], facts: ServingFacts): ServingState[] {
  if (facts.wishes.size === 0) return [];
  return served.flatMap(({ vip, interfaces }) => {
    const wish = facts.wishes.get(String(vip));
    if (wish === undefined) return [];
    return interfaces.map((ifname): ServingState => {
      const segment = facts.segmentOf(ifname);
      const own = segment?.state.owned.get(String(vip));
      const alone = whyAlone(wish, segment, facts);
      return {
        ...{ vip, interface: ifname, sinceSeconds: own ? Math.max(0, facts.secondsAt(sinceMs(own))) : 0 },
        servers: segment && own ? serversOf(own.set.committed, segment.state) : [],
        ...(alone && { alone }),
      };
    });
  });
}

// A set that was taken over from the owner before counts from then on.
function sinceMs({ committedMs, pendingSinceMs }: OwnSet): number {
  return Number.isFinite(committedMs) ? committedMs : pendingSinceMs;
}

function whyAlone(
  wish: ServeWish,
  segment: ServingSegment | undefined,
  { obstacle, crowded }: ServingFacts,
): AloneState | undefined {
  if (!wish.everywhere) return { why: wish.why, nodes: [], code: '' };
  const vip = String(wish.vip.vip);
  if (crowded.has(vip)) return { why: 'room', nodes: [], code: '' };
  if (obstacle && obstacle.what !== 'room') return { why: obstacle.what, nodes: [], code: codeOf(obstacle.error) };
  const nodes = segment?.lackingFor(vip) ?? [];
  return nodes.length > 0 ? { why: 'nodes-without', nodes, code: '' } : undefined;
}

function serversOf(members: readonly SetMember[], { self, peers, away, unheard }: SpreadState): ServerState[] {
  const names = new Map([...peers.values()].map(({ id, node }) => [id, node]));
  names.set(self.id, self.node);
  return members
    .map(({ id, state, weight }) => {
      const node = names.get(id) ?? away.get(id)?.node ?? unheard.get(id)?.node ?? id.toString(16).padStart(8, '0');
      return { node, state, weight };
    })
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}
