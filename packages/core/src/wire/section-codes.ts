// SPDX-License-Identifier: Apache-2.0
/** The numbers by which sections of a heartbeat and their parts are distinguished on the wire. */
export const KIND = { CLAIMS: 1, VIEW: 2, WANTS: 3, SUSPECTS: 4, VOUCHES: 5, OFFERS: 6, STANDINGS: 10 } as const;

export const STANDING_FLAG = { WEAK: 1, FRESH: 2 } as const;

/** Frames of this minor version say how claims stand, by a section or by leaving it out. */
export const STANDINGS_SINCE_MINOR = 2;

/** Frames of this minor version may say who serves what; in older ones the same numbers mean nothing. */
export const SPREAD_SINCE_MINOR = 3;

export const FAMILY_CODE = { IPv4: 4, IPv6: 6 } as const;
