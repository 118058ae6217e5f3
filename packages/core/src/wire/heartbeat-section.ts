// SPDX-License-Identifier: Apache-2.0
/**
 * The sections of a heartbeat: kind (1 byte), reserved (1 byte, zero), length of the value in bytes (2 bytes), value. A
 * kind that is not known is skipped, so that a newer speaker may add one. A kind may occur several times; its entries
 * add up, but for the lists, of which a frame carries one part at most.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { SpreadSections } from './spread-message.ts';

/** Section header, in bytes. */
export const SECTION_HEADER_BYTES = 4;

/** Entries in bytes: the address family as a byte (4 or 6), the address, a term of 32 bits. */
export const CLAIM_BYTES = { IPv4: 9, IPv6: 21 } as const;

export const BOOT_ID_BYTES = 8;

/**
 * What stands beside each claim of a part, in a section of its own: flags, and the term minus the lowest term that it
 * yields to.
 */
export const STANDING_BYTES = 2;

/** A claim yields to no claim that is further back than this. */
export const MAX_YIELD = 0xff;

/** One part of a list that may need several frames; the list is known when all parts of one version are. */
export interface ListPart<Entry> {
  readonly version: number;
  /** 0 to `total` - 1. */
  readonly index: number;
  readonly total: number;
  readonly entries: readonly Entry[];
}

/**
 * "I own this VIP." The rest is known of speakers since minor version 2 (docs/design/0012-ask-before-you-take.md);
 * without `yieldsTo` the sender is older, and the term alone counts.
 */
export interface WireClaim {
  readonly vip: IpAddress;
  readonly term: number;
  /** Lowest term that this claim still yields to; its own term where the claim before was given up. */
  readonly yieldsTo?: number | undefined;
  /** Provisional, or of a node that was cut off for long or is unsteady. */
  readonly isWeak?: boolean | undefined;
  /** Made by a node that had only just come and knew of no owner before. */
  readonly isFresh?: boolean | undefined;
}

/** "I have not heard this member since its frame with this counter." */
export interface Suspect {
  readonly bootId: string;
  readonly counter: number;
}

/** "I heard this member's frame with this counter so long ago." */
export interface Vouch extends Suspect {
  readonly ageMs: number;
}

/** "Take this VIP, which I own with this term." */
export interface Offer extends WireClaim {
  /** Boot id of the member that should take it. */
  readonly to: string;
}

/** What a heartbeat may carry behind its header. */
export interface HeartbeatSections {
  readonly claims?: ListPart<WireClaim> | undefined;
  /** Boot ids of all members that the sender hears. */
  readonly view?: ListPart<string> | undefined;
  /** Boot ids of members whose lists the sender lacks. */
  readonly wants?: readonly string[] | undefined;
  readonly suspects?: readonly Suspect[] | undefined;
  readonly vouches?: readonly Vouch[] | undefined;
  readonly offers?: readonly Offer[] | undefined;
  /** Who serves what. Since minor version 3. */
  readonly spread?: SpreadSections | undefined;
}
