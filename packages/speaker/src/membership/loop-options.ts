// SPDX-License-Identifier: Apache-2.0
/** What membership on one segment needs, and what it says. */
import type {
  FrameSender,
  Identity,
  IntakeDropReason,
  IpAddress,
  MacAddress,
  MembershipReport,
  Rebalancing,
  SpreadSections,
  Timing,
} from '@berth/core';
import type { Clock } from '@berth/runtime';
import type { ArrivalProblem, HeartbeatSource } from './heartbeat-frames.ts';
import type { MayOffer } from './held-offers.ts';
import type { Measures } from './membership-measures.ts';
import type { ArrivedDatagram } from './segment-datagrams.ts';
import type { Answers, Questions } from './segment-questions.ts';

/** A heartbeat as it came: a whole frame, or without its Ethernet header as a datagram of a node's address. */
export interface Arrival {
  readonly bytes: Uint8Array;
  readonly datagram?: Pick<ArrivedDatagram, 'from' | 'needs'>;
}

/** The segment's frames; a packet socket of packages/link with the group joined. */
export interface SegmentSocket {
  send(frame: Uint8Array): boolean;
  /**
   * Sends what was sent to the group also to those whom no raw frame reaches, sealed anew: who gets both must not take
   * it for a replay.
   */
  sendDatagrams?(seal: () => Uint8Array): void;
  receive(onFrame: (frame: Arrival) => void, onError: (error: unknown) => void): void;
  /**
   * Called with the MAC addresses of all members whenever one comes or goes, so that their frames can go before those
   * of strangers.
   */
  prefer?(members: readonly MacAddress[]): void;
  /** Frames of strangers that were dropped unread because there were too many. */
  readonly unread?: number;
  /** Called with each frame that was received and used. */
  believed?(frame: Arrival): void;
  close(): void;
}

/** `unread`: there were too many frames of strangers. */
export type LoopDropReason = IntakeDropReason | ArrivalProblem | 'unread';

/**
 * How soon a change of what is owned must be followed. `now`: what was taken must be answered before this event loop
 * goes on, since its former owner stops as soon as it hears of it. `soon`: something was given up, and frames that wait
 * in the socket may take more away. `new`: no one ever answered for what was taken, so that a burst of it can be
 * gathered.
 */
export type OwnedUrgency = 'now' | 'soon' | 'new';

/** What a segment is to know of what the others of this process have heard and sent. */
export interface OtherSegments {
  /** Why a frame of this sender was not meant for this segment. Costs no more than a few comparisons. */
  problemOf(sender: FrameSender): ArrivalProblem | undefined;
  /** Whether a frame with the boot id of this process was sent just now, by another interface or by a copy of it. */
  isLive(own: FrameSender): boolean;
}

export interface MembershipLoopOptions {
  readonly ifindex: number;
  readonly self: Identity;
  readonly timing: Timing;
  readonly rebalance: Rebalancing;
  /** Counters that were heard on this segment before. Default: none. */
  readonly retired?: ReadonlyMap<string, number> | undefined;
  readonly source: HeartbeatSource;
  readonly socket: SegmentSocket;
  /** Opens what asks on the wire. */
  openQuestions(answers: Answers): Questions;
  readonly clock: Clock;
  /** Default: there is no other segment. */
  readonly others?: OtherSegments;
  /** Default: nothing is measured. */
  readonly measures?: Pick<Measures, 'stepped' | 'tookOver'> | undefined;
  /** Whether a VIP may be handed over to a member now; asked again and again while it may not. Default: always. */
  mayOffer?: MayOffer | undefined;
  /** The state machine has taken a step, which was carried out. */
  onStepped(): void;
  /** The heartbeat says something else from now on. */
  onBeat(): void;
  onOwned(urgency: OwnedUrgency): void;
  /** Everything was given up: silence first, then the fence may be armed again. */
  onSilenced(cause: string): void;
  onAnnounce(vip: IpAddress): void;
  onReport(report: MembershipReport): void;
  /** A member said who serves what. Default: no one listens. */
  onSpread?(bootId: string, sections: SpreadSections): void;
  onLeft(): void;
  onSocketError(error: unknown): void;
}
