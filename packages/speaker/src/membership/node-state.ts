// SPDX-License-Identifier: Apache-2.0
/** What this node says of itself, made from what its parts know. Pure. */
import {
  type AddressConflict,
  type CheckReport,
  type IpAddress,
  type IpPrefix,
  isDeaf,
  type Member,
  type MemberState,
  type MembershipState,
  type MovesState,
  type NodeFitness,
  type NodeState,
  type NotAnnounced,
  type OrderOutcome,
  type OwnedState,
  type SegmentAnswer,
  type SegmentState,
  type ServingState,
  standingOf,
  type UnreachableVip,
} from '@berth/core';
import type { Segment } from '../layer2/segments.ts';
import type { ServedVip } from '../layer2/wire.ts';
import type { MembershipLoop } from './membership-loop.ts';

/** A segment that this node is on; memberships has them. */
export interface JoinedSegment {
  readonly segment: Pick<Segment, 'ifindex' | 'ifname' | 'mac'>;
  readonly loop: Pick<MembershipLoop, 'state' | 'answerOf' | 'signingKeyId'>;
}

export interface NodeStateParts {
  readonly bootId: string;
  readonly engine: string;
  readonly transport: string;
  /** How a member is heard on an interface. Default: by multicast. */
  wayOf?(ifname: string, member: Member): MemberState['way'];
  /** Ready nodes that are not reached on an interface. Default: none. */
  notReachedOn?(ifname: string): readonly string[];
  /** Id of the newest key; undefined while none is known. */
  readonly newestKeyId: number | undefined;
  readonly ineligible: string;
  readonly fitness: NodeFitness;
  /** What answers on a segment, and whether the kernel may answer there for VIPs of others. */
  answerOn(segment: JoinedSegment['segment']): SegmentAnswer;
  isLeaking(segment: JoinedSegment['segment']): boolean;
  /** The subnets of an interface. Default: none is known. */
  subnetsOn?(ifname: string): readonly IpPrefix[];
  /** Whether a VIP lies in no subnet of an interface. */
  isOutside(vip: IpAddress, ifname: string): boolean;
  readonly joined: readonly JoinedSegment[];
  readonly served: readonly ServedVip[];
  readonly conflicts: readonly AddressConflict[];
  readonly unreachable: readonly UnreachableVip[];
  readonly notAnnounced: readonly NotAnnounced[];
  readonly orders: readonly OrderOutcome[];
  readonly testedSeconds: number | undefined;
  readonly check: CheckReport | undefined;
  /** Default: nothing is to be served by every node. */
  readonly serving?: readonly ServingState[];
  /** VIPs of others that this node keeps connections of. Default: 0. */
  readonly keeping?: number;
  /** What becomes of connections in planned moves. Default: nothing is said. */
  readonly moves?: MovesState;
}

/** The state at a time of the monotonic clock that the segments run on. */
export function nodeStateOf(parts: NodeStateParts, nowMs: number): NodeState {
  const { bootId, engine, transport, ineligible, fitness, newestKeyId, joined } = parts;
  const [first] = joined;
  return {
    ...{ bootId, engine, transport, ineligible, fitness },
    keys: { newest: hexOf(newestKeyId), signing: hexOf(first?.loop.signingKeyId) },
    segments: joined.map(({ segment, loop }) => ({
      ...segmentStateOf(segment, loop.state, nowMs, (member) => parts.wayOf?.(segment.ifname, member)),
      answer: parts.answerOn(segment),
      ...notReached(parts.notReachedOn?.(segment.ifname)),
      ...subnets(parts.subnetsOn?.(segment.ifname)),
      ...(parts.isLeaking(segment) && { answersForOthers: true }),
    })),
    owned: ownedOf(parts),
    leftOut: 0,
    conflicts: parts.conflicts,
    unreachable: parts.unreachable,
    notAnnounced: parts.notAnnounced,
    orders: parts.orders,
    testedSeconds: parts.testedSeconds,
    check: parts.check,
    ...(parts.serving && { serving: parts.serving }),
    ...(parts.keeping && { keeping: parts.keeping }),
    ...(parts.moves && { moves: parts.moves }),
  };
}

function notReached(names: readonly string[] = []): Pick<SegmentState, 'notReached'> {
  return names.length > 0 ? { notReached: [...names].sort() } : {};
}

function subnets(known: readonly IpPrefix[] = []): Pick<SegmentState, 'subnets'> {
  return known.length > 0 ? { subnets: known } : {};
}

/** The members in the order of their names, whether they hear this node and it hears them. */
export function segmentStateOf(
  { ifname, mac }: Pick<Segment, 'ifname' | 'mac'>,
  { phase, timing, members, company }: MembershipState,
  nowMs: number,
  wayOf: (member: Member) => MemberState['way'] = () => undefined,
): SegmentState {
  const heard = members.map((member): MemberState => {
    const hearing = isDeaf(member, timing.oneWayAfterMs, nowMs) ? 'one-way' : 'both';
    const way = wayOf(member);
    return {
      node: member.node,
      hearing: member.answeringSinceMs === undefined ? hearing : 'lost',
      ...(way && { way }),
    };
  });
  heard.sort((a, b) => (a.node < b.node ? -1 : 1));
  const isCutOff = company.cutOffSinceMs !== undefined;
  return { interface: ifname, mac, phase, members: heard, ...(isCutOff && { contact: 'cut-off' }) };
}

/**
 * Names of the interfaces that keep out of their segment while another one of this node takes part in one. (Where all
 * of them keep out, it is for another reason: a node with the same name, or a copy of this one.)
 */
export function shadowedIn(joined: readonly ShadowFacts[], nowMs: number): ReadonlySet<string> {
  const blocked = joined.filter(({ loop }) => loop.state.blockedUntilMs > nowMs);
  return new Set(blocked.length === joined.length ? [] : blocked.map(({ segment }) => segment.ifname));
}

interface ShadowFacts {
  readonly segment: Pick<Segment, 'ifname'>;
  readonly loop: { readonly state: Pick<MembershipState, 'blockedUntilMs'> };
}

// Only what is answered on the wire by now: a claim alone is no news for clients.
function ownedOf({ served, joined, isOutside }: NodeStateParts): OwnedState[] {
  const byName = new Map(joined.map((one) => [one.segment.ifname, one.loop]));
  return served.flatMap(({ vip, interfaces }) =>
    interfaces.flatMap((ifname): OwnedState[] => {
      const loop = byName.get(ifname);
      const answer = loop?.answerOf(vip);
      const claim = loop?.state.claims.get(String(vip));
      if (answer === undefined || claim === undefined) return [];
      const { term } = claim;
      const standing = standingOf(claim);
      const sinceSeconds = Math.max(0, Math.floor(answer.since.getTime() / 1000));
      const outside = isOutside(vip, ifname) ? { isOutside: true } : {};
      const moved = answer.after ? { moved: answer.after } : {};
      const more = { ...outside, ...moved, ...(standing && { standing }) };
      return [{ vip, interface: ifname, term, sinceSeconds, why: answer.why, ...more }];
    }),
  );
}

function hexOf(id: number | undefined): string {
  return id === undefined ? '' : id.toString(16).padStart(8, '0');
}
