// SPDX-License-Identifier: Apache-2.0
/** What membership on the segments of a node needs from the rest of it. */
import type { EligibilityOptions, IpAddress, Member, Rebalancing, Timing, Transport } from '@berth/core';
import type { Clock } from '@berth/runtime';
import type { Segment } from '../layer2/segments.ts';
import type { HeartbeatSource } from './heartbeat-frames.ts';
import type { JoinedSegments } from './joined-segments.ts';
import type { SegmentSocket } from './loop-options.ts';
import type { Measures } from './membership-measures.ts';
import type { BeatThread, FencedAnswerer } from './native-beats.ts';
import type { Answers, Questions } from './segment-questions.ts';
import type { LocalNodes } from './vip-groups.ts';

export interface MembershipsOptions {
  readonly nodeName: string;
  /** 16 hex digits, random for each start. */
  readonly bootId: string;
  readonly timing: Timing;
  readonly rebalance: Rebalancing;
  readonly eligibility: EligibilityOptions;
  /** For Services with `externalTrafficPolicy: Local`. */
  readonly localNodes: LocalNodes;
  readonly source: HeartbeatSource;
  readonly clock: Clock;
  /** Default: nothing is measured. */
  readonly measures?: Measures;
  readonly answerer: FencedAnswerer;
  /** Sends heartbeats. */
  readonly thread: BeatThread;
  /** The fitting interfaces of this moment. */
  segments(): readonly Segment[];
  /** What this node could answer; the wire knows. */
  readonly answering: Answering;
  /** How members are reached; for people. Default: by multicast, and all of them. */
  readonly ways?: Ways;
  /** Opens a socket for heartbeats. Throws what the system says. */
  openSocket(segment: Segment): SegmentSocket;
  /** Opens what asks on a segment. Throws nothing. */
  openQuestions(segment: Segment, answers: Answers): Questions;
  /** Whether a VIP may be handed over to a member now; asked again and again while it may not. Default: always. */
  mayOffer?(offer: Offer): boolean;
  /** Kept by this; for those who must read it before there are memberships. Default: its own. */
  readonly joined?: JoinedSegments;
}

/** A VIP that is about to be handed over on a segment. */
export interface Offer {
  readonly ifindex: number;
  readonly vip: IpAddress;
  /** Boot id of the next owner. */
  readonly to: string;
  /** It is not worth a broken connection. */
  readonly isOnlyUnbroken: boolean;
}

/** What a node could answer: a claim on anything else would be a lie. */
export interface Answering {
  /** Whether something answers on the segment. */
  isAttached(segment: Segment): boolean;
  /** Whether there was no room for the VIP. */
  lacks(vip: IpAddress): boolean;
}

/** How members are reached; the transport of heartbeats knows. */
export interface Ways {
  readonly transport: Transport;
  /** How a member is heard; undefined: by multicast. */
  wayOf(segment: Segment, member: Pick<Member, 'node' | 'mac'>): 'unicast' | 'udp' | undefined;
  /** Ready nodes that are heard in no way on a segment and answer nothing there. */
  notReachedOn(segment: Segment): readonly string[];
}
