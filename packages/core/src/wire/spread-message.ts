// SPDX-License-Identifier: Apache-2.0
/** What speakers say about who serves a VIP, as values; the bytes are in spread-section.ts. */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';

/**
 * serving: gets new flows. draining: keeps the flows that it has, and gets no new ones. away: as draining, its speaker
 * ended in order. silent: its speaker is not heard, but its kernel answers for the node's own address. The order is the
 * number on the wire, from 1.
 */
export const SERVE_STATES = ['serving', 'draining', 'away', 'silent'] as const;
export type ServeState = (typeof SERVE_STATES)[number];

/** Weights go from 1 to this. */
export const MAX_WEIGHT = 8;
/** Most members of one set: their list must fit into one frame. */
export const MAX_SET_MEMBERS = 48;
/** Most fingerprints of one frame, and most parts of a list of them. */
export const STRAYS_A_PART = 98;
export const MAX_STRAY_PARTS = 704;
/** Most entries of a digest in one frame. */
export const DIGEST_ENTRIES = 32;

export const SET_MEMBER_BYTES = 12;
/** Version, flags, and the numbers of members and VIPs. */
export const SET_FIXED_BYTES = 7;
export const VIP_BYTES = { IPv4: 5, IPv6: 17 } as const;

/** "For this VIP I can take new flows with this weight." */
export interface WireServe {
  readonly vip: IpAddress;
  /** 0: it can take none. */
  readonly weight: number;
  /** Whether its connection tracking knows flows of the VIP. */
  readonly holds: boolean;
}

export interface WireStanding {
  readonly state: ServeState;
  readonly weight: number;
}

export interface WireSetMember {
  /** 32 bits of its name. */
  readonly id: number;
  readonly mac: MacAddress;
  /** Undefined: not a member. */
  readonly committed: WireStanding | undefined;
  readonly pending: WireStanding | undefined;
}

/** The set of all these VIPs, which the sender owns. */
export interface WireSet {
  readonly version: number;
  readonly by: 'flow' | 'client';
  /** Undefined: no change is under way. */
  readonly pendingBy: 'flow' | 'client' | undefined;
  readonly members: readonly WireSetMember[];
  readonly vips: readonly IpAddress[];
}

/** One part of a list, as in heartbeat-section.ts. */
export interface WirePart<Entry> {
  readonly version: number;
  readonly index: number;
  readonly total: number;
  readonly entries: readonly Entry[];
}

/** Flows that live at a node although their hash names another one. */
export interface WireStrays {
  readonly version: number;
  readonly index: number;
  readonly total: number;
  /** Id of the node at which they live: the sender, or one whose speaker is away. */
  readonly holder: number;
  readonly fingerprints: BigUint64Array;
}

/** What the sender has of one other speaker. */
export interface WireHas {
  readonly bootId: string;
  /** Version of its sets that are in force here. */
  readonly sets: number;
  readonly strays: number;
  /** Version of its sets for which the sender has read its own flows and told them. */
  readonly told: number;
}

/** Versions of the sender's own lists, and what it has of others: of some, where there are many. */
export interface WireDigest {
  readonly serves: number;
  readonly sets: number;
  readonly strays: number;
  readonly has: readonly WireHas[];
}

export interface SpreadSections {
  readonly serves?: WirePart<WireServe> | undefined;
  readonly sets?: WirePart<WireSet> | undefined;
  readonly strays?: WireStrays | undefined;
  readonly digest?: WireDigest | undefined;
}
