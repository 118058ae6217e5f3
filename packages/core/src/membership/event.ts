// SPDX-License-Identifier: Apache-2.0
/**
 * What goes into the membership state machine and what comes out (docs/design/0010-membership-protocol.md, section 6).
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import type { VipCandidate } from '../placement/candidate.ts';
import type { Heartbeat, HeartbeatBody, NodeFitness } from '../wire/heartbeat.ts';

/** A VIP that this segment should answer for, and the nodes that may own it, whether they are heard or not. */
export interface DesiredVip {
  readonly vip: IpAddress;
  readonly candidates: readonly VipCandidate[];
}

/** `unknown` could not be found out. */
export type StationKind = 'node' | 'stranger' | 'unknown';

export type MembershipEvent =
  /** Time has passed, and every frame that had arrived by then has been given before. At least once an interval. */
  | { readonly type: 'tick' }
  /** A frame with a tag that was found right. */
  | { readonly type: 'frame'; readonly heartbeat: Heartbeat }
  /** What the cluster wants now; the whole of it. */
  | { readonly type: 'desired'; readonly vips: readonly DesiredVip[] }
  /**
   * Whether this node could serve clients, by what it knows of itself: others go before one that is unfit, and it hands
   * over to them.
   */
  | { readonly type: 'fitness'; readonly fitness: NodeFitness }
  /** Whether no connection breaks where this node hands over a VIP on purpose or takes one, as far as it knows. */
  | { readonly type: 'moves'; readonly keepConnections: boolean }
  /** The sender of heartbeats found that it had been away for longer than the answer fence. */
  | { readonly type: 'lapsed' }
  /** An answer on the wire: the station with this MAC address answers for the VIP. */
  | { readonly type: 'answered'; readonly vip: IpAddress; readonly mac: MacAddress }
  /**
   * Whose a station is that answered for a VIP and is no member's: a node's of the cluster, whose heartbeats are not
   * heard, or a stranger's.
   */
  | { readonly type: 'identified'; readonly mac: MacAddress; readonly as: StationKind }
  /** A host that is no member answered: this node is not cut off from the segment. */
  | { readonly type: 'witnessed' }
  /** A host that is no member asked for the VIP. Worth giving only while this node is cut off. */
  | { readonly type: 'demanded'; readonly vip: IpAddress }
  /** An order by a person: hand this VIP, if it is ours, to that node. */
  | { readonly type: 'move'; readonly vip: IpAddress; readonly node: string }
  /** An order by a person: even the load out once. Given to all nodes. */
  | { readonly type: 'rebalance' }
  /** The process is asked to end: hand everything over, then leave. */
  | { readonly type: 'leave' };

/** Why a node begins to answer. */
export type AnswerReason =
  /** Nobody ever owned it, as far as was heard. */
  | 'new'
  /** Its owner is gone or gave it up. */
  | 'orphaned'
  /** The node whose turn it was did not take it. */
  | 'left-over'
  /** Its owner asked this node to take it. */
  | 'handed-over';

/** Why the owner before does not answer any more. */
export type SuccessionCause =
  /** Nothing was heard of it, and it did not answer questions. */
  | 'silent'
  /** It said goodbye: its speaker ended. */
  | 'left'
  /** It is heard and claims the VIP no longer. */
  | 'gave-up'
  /** It fell silent by itself, since its heartbeats were late. */
  | 'lapsed'
  /** It hears nobody and answers nothing. */
  | 'cut-off'
  /** It handed the VIP over, since its speaker ends, */
  | 'leaving'
  /** since it is not well, */
  | 'unfit'
  /** since it may not own it any more: a drain, a label, a policy, an endpoint that went, */
  | 'not-eligible'
  /** since a person wanted it, or for balance. */
  | 'order'
  | 'rebalance'
  /** It handed the VIP over, and why is not known. */
  | 'handed-over';

/** Whom a VIP was taken over from. */
export interface Succession {
  /** Name of the node that owned it before; it may be the node itself, which fell silent for a moment. */
  readonly from: string;
  readonly cause: SuccessionCause;
  /**
   * From the last sign of the owner before until this node answered, in milliseconds: nobody answered for that long at
   * most. 0: it answered all the time. Undefined: not known.
   */
  readonly unansweredMs: number | undefined;
}

/** Why a node stops answering. */
export type StopReason =
  | 'better-claim'
  | 'handed-over'
  /** This node may not own it, and no other may either. */
  | 'no-candidate'
  /** The cluster does not want it any more. */
  | 'not-wanted';

/** Why a node stops answering everything and listens. */
export type SilenceCause =
  /** Time went on without this process. */
  | 'was-away'
  /** Heartbeats did not go out in time. */
  | 'lapsed'
  | 'duplicate-name'
  | 'cloned-node'
  /** Another interface of this node is in the same segment and serves it. */
  | 'same-segment'
  | 'left';

/** Why a verified frame was not used. */
export type FrameDropReason =
  /** Sent by this very interface and reflected. */
  | 'own-frame'
  /** Its counter is not above the last one heard: replayed, or overtaken on the way. */
  | 'replayed'
  /** Of a sender that has not shown yet that it is alive: a newcomer for a heartbeat or two, or a recorded frame. */
  | 'unproven'
  /** Its counter is further ahead of that of its last frame, just heard, than any sender can be. */
  | 'from-the-future'
  /** This process' own identity, from another machine. */
  | 'cloned-node'
  /** Another node that has the name of this one. */
  | 'duplicate-name'
  /**
   * Another interface than the one by which the member is known here: a second one in this segment, or a frame of
   * another segment.
   */
  | 'other-port'
  | 'too-many-members';

/** Something that people want to know. */
export type MembershipReport =
  | { readonly kind: 'member-heard'; readonly node: string; readonly bootId: string }
  | { readonly kind: 'member-lost'; readonly node: string; readonly bootId: string; readonly why: 'silent' | 'gone' }
  | { readonly kind: 'phase'; readonly phase: HeartbeatBody['phase'] }
  | { readonly kind: 'duplicate-name'; readonly node: string }
  | { readonly kind: 'cloned-node'; readonly node: string }
  | { readonly kind: 'same-segment'; readonly port: number }
  /** We hear it, it does not hear us. */
  | { readonly kind: 'one-way'; readonly node: string; readonly state: 'began' | 'ended' }
  /** Its heartbeats are lost, but it answers for its VIPs: nothing is taken over. */
  | { readonly kind: 'owner-answers'; readonly node: string; readonly state: 'began' | 'ended' }
  /** This node hears neither most of the members nor a witness. */
  | { readonly kind: 'cut-off'; readonly state: 'began' | 'ended' }
  | { readonly kind: 'move-refused'; readonly vip: IpAddress; readonly node: string; readonly why: MoveRefusal }
  | { readonly kind: 'rebalanced' };

export type MoveRefusal = 'not-heard' | 'not-a-candidate' | 'not-taken';

/** What the adapter does, in this order. */
export type MembershipAction =
  /** Answer nothing from now on, and hold the fence open again only for what `answer` names later. */
  | { readonly type: 'stop-all'; readonly cause: SilenceCause }
  | { readonly type: 'stop'; readonly vip: IpAddress; readonly reason: StopReason }
  /** Answer for the VIP and announce it. */
  | {
      readonly type: 'answer';
      readonly vip: IpAddress;
      readonly term: number;
      readonly reason: AnswerReason;
      /** Left out: nobody is known to have had it. */
      readonly after?: Succession;
    }
  /**
   * Announce it again: somebody else owns it, or did until now, and clients may have learnt that node's MAC address.
   */
  | { readonly type: 'announce'; readonly vip: IpAddress }
  /** From now on repeat this every `intervalMs`. */
  | { readonly type: 'beat'; readonly body: HeartbeatBody }
  /** Send these at once, once. */
  | { readonly type: 'send'; readonly bodies: readonly HeartbeatBody[] }
  /**
   * Ask the segment who answers for a VIP: the station of the member that claimed it first, then everybody; everybody
   * alone where no member is known to own it. Answers come back as `answered`.
   */
  | {
      readonly type: 'question';
      readonly about: 'owner';
      readonly vip: IpAddress;
      /** Undefined: whether anybody owns it is to be found out. */
      readonly mac: MacAddress | undefined;
      readonly node: string | undefined;
    }
  /** Find out whose station this is. The answer comes back as `identified`. */
  | { readonly type: 'question'; readonly about: 'station'; readonly mac: MacAddress }
  /** Ask all known hosts that are no members whether they hear this node. An answer comes back as `witnessed`. */
  | { readonly type: 'question'; readonly about: 'witness' }
  | { readonly type: 'drop'; readonly reason: FrameDropReason }
  | { readonly type: 'report'; readonly report: MembershipReport }
  /** All is handed over; the process may end. */
  | { readonly type: 'left' };
