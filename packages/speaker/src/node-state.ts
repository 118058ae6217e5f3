// SPDX-License-Identifier: Apache-2.0
/** What this node says of itself, made from what its parts know. Pure. */
import {
  type AddressConflict,
  type CheckReport,
  isDeaf,
  type MembershipState,
  type NodeState,
  type NotAnnounced,
  type OrderOutcome,
  type OwnedState,
  type SegmentState,
  type UnreachableVip,
} from '@berth/core';
import type { MembershipLoop } from './membership-loop.ts';
import type { Segment } from './segments.ts';
import type { ServedVip } from './wire.ts';

/** A segment that this node is on; memberships has them. */
export interface JoinedSegment {
  readonly segment: Pick<Segment, 'ifname' | 'mac'>;
  readonly loop: Pick<MembershipLoop, 'state' | 'answerOf' | 'signingKeyId'>;
}

export interface NodeStateParts {
  readonly bootId: string;
  readonly engine: string;
  readonly transport: string;
  /** Id of the newest key; undefined while none is known. */
  readonly newestKeyId: number | undefined;
  readonly ineligible: string;
  readonly joined: readonly JoinedSegment[];
  readonly served: readonly ServedVip[];
  readonly conflicts: readonly AddressConflict[];
  readonly unreachable: readonly UnreachableVip[];
  readonly notAnnounced: readonly NotAnnounced[];
  readonly orders: readonly OrderOutcome[];
  readonly testedSeconds: number | undefined;
  readonly check: CheckReport | undefined;
}

/** The state at a time of the monotonic clock that the segments run on. */
export function nodeStateOf(parts: NodeStateParts, nowMs: number): NodeState {
  const { bootId, engine, transport, ineligible, newestKeyId, joined, served } = parts;
  const [first] = joined;
  return {
    ...{ bootId, engine, transport, ineligible },
    fitness: first?.loop.state.fitness ?? 'fit',
    keys: { newest: hexOf(newestKeyId), signing: hexOf(first?.loop.signingKeyId) },
    segments: joined.map(({ segment, loop }) => segmentStateOf(segment, loop.state, nowMs)),
    owned: ownedOf(served, joined),
    leftOut: 0,
    conflicts: parts.conflicts,
    unreachable: parts.unreachable,
    notAnnounced: parts.notAnnounced,
    orders: parts.orders,
    testedSeconds: parts.testedSeconds,
    check: parts.check,
  };
}

/** The members that are heard, in the order of their names, and whether they hear this node. */
export function segmentStateOf(
  { ifname, mac }: JoinedSegment['segment'],
  { phase, members, timing }: MembershipState,
  nowMs: number,
): SegmentState {
  const heard = members.map((member): SegmentState['members'][number] => ({
    node: member.node,
    hearing: isDeaf(member, timing.oneWayAfterMs, nowMs) ? 'one-way' : 'both',
  }));
  return { interface: ifname, mac, phase, members: heard.sort((a, b) => (a.node < b.node ? -1 : 1)) };
}

// Only what is answered on the wire by now: a claim alone is no news for clients.
function ownedOf(served: readonly ServedVip[], joined: readonly JoinedSegment[]): OwnedState[] {
  const byName = new Map(joined.map((one) => [one.segment.ifname, one.loop]));
  return served.flatMap(({ vip, interfaces }) =>
    interfaces.flatMap((ifname): OwnedState[] => {
      const loop = byName.get(ifname);
      const answer = loop?.answerOf(vip);
      const term = loop?.state.claims.get(String(vip))?.term;
      if (answer === undefined || term === undefined) return [];
      const sinceSeconds = Math.max(0, Math.floor(answer.since.getTime() / 1000));
      return [{ vip, interface: ifname, term, sinceSeconds, why: answer.why }];
    }),
  );
}

function hexOf(id: number | undefined): string {
  return id === undefined ? '' : id.toString(16).padStart(8, '0');
}
