// SPDX-License-Identifier: Apache-2.0
/** What goes into the membership state machine and what comes out (docs/design/0010-membership-protocol.md, section 6). */
import type { IpAddress } from '../net/ip-address.ts';
import type { VipCandidate } from '../placement/candidate.ts';
import type { Heartbeat, HeartbeatBody, NodeFitness } from '../wire/heartbeat.ts';

/** A VIP that this segment should answer for, and the nodes that may own it, whether they are heard or not. */
export interface DesiredVip {
  readonly vip: IpAddress;
  readonly candidates: readonly VipCandidate[];
}

export type MembershipEvent =
  /** Time has passed, and every frame that had arrived by then has been given before. At least once an interval. */
  | { readonly type: 'tick' }
  /** A frame with a tag that was found right. */
  | { readonly type: 'frame'; readonly heartbeat: Heartbeat }
  /** What the cluster wants now; the whole of it. */
  | { readonly type: 'desired'; readonly vips: readonly DesiredVip[] }
  /** The cable went in or out. */
  | { readonly type: 'link'; readonly link: 'up' | 'down' }
  /** Whether this node could serve clients, by what it knows of itself: others go before one that is unfit, and it hands over to them. */
  | { readonly type: 'fitness'; readonly fitness: NodeFitness }
  /** The sender of heartbeats found that it had been away for longer than the answer fence. */
  | { readonly type: 'lapsed' }
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
  | 'link-down'
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
  /** Its counter is further ahead than any sender can be. */
  | 'from-the-future'
  /** This process' own identity, from another machine. */
  | 'cloned-node'
  /** Another node that has the name of this one. */
  | 'duplicate-name'
  /** A second interface of a node in this segment; the first one counts. */
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
  | { readonly kind: 'move-refused'; readonly vip: IpAddress; readonly node: string; readonly why: MoveRefusal }
  | { readonly kind: 'rebalanced' };

export type MoveRefusal = 'not-heard' | 'not-a-candidate' | 'not-taken';

/** What the adapter does, in this order. */
export type MembershipAction =
  /** Answer nothing from now on, and hold the fence open again only for what `answer` names later. */
  | { readonly type: 'stop-all'; readonly cause: SilenceCause }
  | { readonly type: 'stop'; readonly vip: IpAddress; readonly reason: StopReason }
  /** Answer for the VIP and announce it. */
  | { readonly type: 'answer'; readonly vip: IpAddress; readonly term: number; readonly reason: AnswerReason }
  /** Announce it again: somebody else owns it, or did until now, and clients may have learnt that node's MAC address. */
  | { readonly type: 'announce'; readonly vip: IpAddress }
  /** From now on repeat this every `intervalMs`. */
  | { readonly type: 'beat'; readonly body: HeartbeatBody }
  /** Send these at once, once. */
  | { readonly type: 'send'; readonly bodies: readonly HeartbeatBody[] }
  /** The deciding process is well until then. */
  | { readonly type: 'renew'; readonly untilMs: number }
  | { readonly type: 'drop'; readonly reason: FrameDropReason }
  | { readonly type: 'report'; readonly report: MembershipReport }
  /** All is handed over; the process may end. */
  | { readonly type: 'left' };
