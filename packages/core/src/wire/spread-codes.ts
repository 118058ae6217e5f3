// SPDX-License-Identifier: Apache-2.0
/** Numbers of the sections by which speakers agree who serves a VIP, and of what is in them. */

export const SPREAD_KIND = { SERVES: 7, SETS: 8, STRAYS: 9, DIGEST: 11 } as const;

export const FAMILY_CODE = { IPv4: 4, IPv6: 6 } as const;
export const HOLDS_FLAG = 0x10;
export const WEIGHT_BITS = 0x0f;
export const SET_FLAG = { BY_CLIENT: 1, PENDING: 2, PENDING_BY_CLIENT: 4 } as const;
