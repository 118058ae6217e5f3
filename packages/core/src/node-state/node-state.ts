// SPDX-License-Identifier: Apache-2.0
/**
 * What a node says of itself to people and to the controller: whom it hears, what it answers for and since when, what
 * it found on the wire. Each node keeps one Lease with it. Nothing of it decides who owns a VIP: that is agreed on the
 * segment itself.
 */
import type { AnswerReason, MoveRefusal } from '../membership/event.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { IpPrefix } from '../net/ip-prefix.ts';
import type { MacAddress } from '../net/mac-address.ts';
import type { HeartbeatPhase, NodeFitness } from '../wire/heartbeat.ts';
import type { MovesState } from './moves-state.ts';
import type { ServingState } from './serving.ts';
import type { Standing } from './standing.ts';
import type { Moved } from './succession.ts';

/** Label of the Leases that hold a node's state; its value is that of lease-name.ts. */
export const NODE_STATE_LABEL = 'berth.dev/node';
/** Annotation of the Lease: a state as text. */
export const NODE_STATE_ANNOTATION = 'berth.dev/state';
/** Annotation of the Lease, written with each renewal: {@link NodeHealth}. */
export const NODE_HEALTH_ANNOTATION = 'berth.dev/health';
/** How often a node renews its Lease, in seconds. */
export const NODE_RENEW_SECONDS = 10;
/** A node that has not renewed its Lease for this long, in seconds, says nothing any more. */
export const NODE_STALE_SECONDS = 30;

/** All times are seconds since 1970 on the node's own wall clock: for people, never compared between nodes. */
export interface NodeState {
  /** 16 hex digits, random for each start of the speaker. */
  readonly bootId: string;
  /** What answers: the name of the engine. */
  readonly engine: string;
  /** How heartbeats travel. */
  readonly transport: string;
  /**
   * Newest key that the node has, and the one that it signs with, by their ids in hex; empty while nothing is known.
   */
  readonly keys: { readonly newest: string; readonly signing: string };
  /** Why the node may own nothing, by what the cluster says of it; empty when it may. */
  readonly ineligible: string;
  /** Unfit: by its own word it should own nothing that another node can, since its kube-proxy is not healthy. */
  readonly fitness: NodeFitness;
  readonly segments: readonly SegmentState[];
  /** One for each VIP and interface. */
  readonly owned: readonly OwnedState[];
  /** Number of `owned` that had no room. */
  readonly leftOut: number;
  readonly conflicts: readonly AddressConflict[];
  readonly unreachable: readonly UnreachableVip[];
  readonly notAnnounced: readonly NotAnnounced[];
  /** What became of the last orders. */
  readonly orders: readonly OrderOutcome[];
  /**
   * VIPs that were announced by then have been asked for since, as far as it was this node's turn. Undefined: not yet.
   */
  readonly testedSeconds?: number | undefined;
  /** What the last order to ask on the wire brought. */
  readonly check?: CheckReport | undefined;
  /**
   * Who serves the VIPs of `owned` that every node is to serve. Default: there is none, or an older speaker does not
   * tell.
   */
  readonly serving?: readonly ServingState[];
  /** Number of VIPs that moved on or are served elsewhere while this node keeps connections of them. Default: 0. */
  readonly keeping?: number;
  /** What becomes of connections in planned moves. Default: they break, an older speaker does not tell. */
  readonly moves?: MovesState;
}

export interface SegmentState {
  readonly interface: string;
  readonly mac: MacAddress;
  readonly phase: HeartbeatPhase;
  /** The other members that this node hears, or that answer although it does not hear them. */
  readonly members: readonly MemberState[];
  /** `cut-off`: it hears neither most of the members nor a witness. Undefined: it is not. */
  readonly contact?: 'cut-off' | undefined;
  /**
   * Ready nodes with an address in a subnet of the interface that are heard in no way and do not answer ARP or neighbor
   * discovery. Default: none.
   */
  readonly notReached?: readonly string[];
  /**
   * Those of the interface, without link-local ones: nothing else in a cluster knows their masks. Default: an older
   * speaker does not tell.
   */
  readonly subnets?: readonly IpPrefix[];
  /** Undefined: an older speaker, which does not tell. */
  readonly answer?: SegmentAnswer | undefined;
  /**
   * Whether the node's kernel has VIPs as addresses, as kube-proxy in IPVS mode does, and may answer on this segment
   * for those of others: it is answered by a thread, which can hold nothing back, and arp_ignore is 0. Default: false.
   */
  readonly answersForOthers?: boolean;
}

/**
 * What answers there: `engine`, that of the node; `thread`, which stands in since the program could not be attached;
 * `behind`, the program behind one of others that may take questions away; `none`: the node is no candidate there.
 */
export type SegmentAnswer = 'engine' | 'thread' | 'behind' | 'none';

export interface MemberState {
  readonly node: string;
  /** `one-way`: we hear it, it does not hear us. `lost`: we do not hear its heartbeats, but it answers for its VIPs. */
  readonly hearing: 'both' | 'one-way' | 'lost';
  /**
   * How it is heard. `unicast`: by frames to this station alone, since the group brings none. `udp`: by datagrams
   * alone, since no raw frame arrives. Undefined: by frames to the group.
   */
  readonly way?: 'unicast' | 'udp' | undefined;
}

export interface OwnedState {
  readonly vip: IpAddress;
  readonly interface: string;
  readonly term: number;
  readonly sinceSeconds: number;
  readonly why: OwnedReason;
  /** Whether the VIP lies in no subnet of the interface: hosts of the LAN need a route for it. Default: false. */
  readonly isOutside?: boolean;
  /** Undefined: no one owned it before, or an older speaker does not tell. */
  readonly moved?: Moved;
  /** Undefined: an older speaker does not tell. */
  readonly standing?: Standing;
}

/** `unknown`: a reason that a newer speaker has. */
export type OwnedReason = AnswerReason | 'unknown';

/** A stranger that uses a VIP. */
export interface AddressConflict {
  readonly vip: IpAddress;
  readonly interface: string;
  readonly mac: MacAddress;
  readonly sinceSeconds: number;
  /** Whether it was found before the VIP was ever answered for. */
  readonly kind: 'before-use' | 'in-use';
  /** Who uses it where that is no stranger: the node that tells it, or a gateway of that node. */
  readonly user?: AddressUser;
}

/**
 * Users of an address that belong to the cluster's own network; `subnet`: it is the network or broadcast address of
 * one.
 */
export type AddressUser = 'node' | 'gateway' | 'subnet';

/** A VIP of another node that this one asked for on the wire without getting the one right answer. */
export interface UnreachableVip {
  readonly vip: IpAddress;
  readonly interface: string;
  readonly why: 'no-answer' | 'wrong-answer' | 'several-answers';
  /** Who answered. */
  readonly macs: readonly MacAddress[];
  readonly sinceSeconds: number;
}

/**
 * A VIP that this node does not answer for, and why. The last three are given only for VIPs that no node of the cluster
 * may own: for all others it is no news.
 */
export interface NotAnnounced {
  readonly vip: IpAddress;
  readonly why: NotAnnouncedReason;
}

export type NotAnnouncedReason =
  /** It is being asked whether somebody uses it. */
  | 'probing'
  /** A stranger uses it. */
  | 'conflict'
  /** It is an address of a node or of a gateway. */
  | 'own-address'
  /** Every policy for this node names interfaces, and it has none of them. */
  | 'no-interface'
  /** No interface has an address of the VIP's family, or none is usable. */
  | 'no-segment'
  /** The interfaces that policies name are in the segment of another one of this node, which serves it. */
  | 'same-segment'
  /** Nothing can answer on the node's segments: no program and no thread could be attached. */
  | 'not-attached'
  /** The table of VIPs has no room for it. */
  | 'no-room'
  /** No policy selects this node. */
  | 'not-selected'
  /** `externalTrafficPolicy: Local`, and no usable endpoint is here. */
  | 'no-endpoint'
  /** {@link NodeState.ineligible} tells why. */
  | 'not-eligible';

/** What a node heard when a person wanted to know who answers. */
export interface CheckReport {
  /** Id of the order. */
  readonly id: string;
  /** Questions, one for each VIP and interface, and how many of them got the one right answer. */
  readonly asked: number;
  readonly right: number;
  /** All that was heard of one VIP, or what was not right of many; cut where it would be too long. */
  readonly heard: readonly HeardVip[];
}

/** The answers to one question. */
export interface HeardVip {
  readonly vip: IpAddress;
  readonly interface: string;
  /** The owner by its heartbeats, and the MAC address that it names; undefined where no one owns the VIP. */
  readonly owner: { readonly node: string; readonly mac: MacAddress } | undefined;
  /** Who answered. */
  readonly macs: readonly MacAddress[];
}

/** What became of an order by a person. */
export interface OrderOutcome {
  readonly id: string;
  readonly outcome: 'begun' | 'done' | 'refused';
  readonly why: MoveRefusal | undefined;
}

/** Most times of lapses that a node tells. */
export const MAX_LAPSE_TIMES = 16;

/** What changes all the time, and is therefore published at renewals only. */
export interface NodeHealth {
  /** Longest delay of a heartbeat since the last renewal, in milliseconds. */
  readonly latestMs: number;
  /** Times that the node stopped answering because its heartbeats were late, since it started. */
  readonly lapses: number;
  /**
   * When the last {@link MAX_LAPSE_TIMES} of them were, in seconds since 1970, oldest first; undefined: an older
   * speaker, which does not say.
   */
  readonly lapsedSeconds?: readonly number[] | undefined;
  /** What the node does for VIPs that every node serves; undefined: nothing. */
  readonly spread?: SpreadHealth | undefined;
}

export interface SpreadHealth {
  /** Packets that it passed on to other nodes, since it began to. */
  readonly forwarded: number;
  /** Flows that it serves although their hash names another node. */
  readonly strays: number;
  /** All flows that it has; undefined: an older speaker, which does not say. */
  readonly flows?: number | undefined;
}
