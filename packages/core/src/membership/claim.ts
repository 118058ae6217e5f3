// SPDX-License-Identifier: Apache-2.0
/** Claims: "this node owns this VIP", with a term that only grows. Of two claims exactly one is better, and all nodes agree which. */
import type { IpAddress } from '../net/ip-address.ts';
import { compareDigests, sha256 } from '../placement/sha256.ts';

/** A VIP that a member owns, as that member said. */
export interface Claim {
  readonly vip: IpAddress;
  readonly term: number;
}

/** Claims of one member by the text of the VIP. */
export type Claims = ReadonlyMap<string, Claim>;

/** A claim with its claimant. */
export interface Claimant {
  readonly node: string;
  readonly bootId: string;
  readonly term: number;
}

/** Largest term on the wire. A VIP would have to move once a second for 136 years. */
export const MAX_TERM = 0xffff_ffff;

/**
 * Negative when a's claim to the VIP is better than b's, positive when b's is; zero for the same claimant only. The higher term wins,
 * then the earlier in rendezvous order, then the lower boot id (two nodes with one name).
 */
export function compareClaims(vip: string, a: Claimant, b: Claimant): number {
  if (a.term !== b.term) return b.term - a.term;
  const byRendezvous = a.node === b.node ? 0 : compareDigests(sha256(`${a.node}#${vip}`), sha256(`${b.node}#${vip}`));
  if (byRendezvous !== 0) return byRendezvous;
  if (a.bootId === b.bootId) return 0;
  return a.bootId < b.bootId ? -1 : 1;
}

/** The term of a claim that beats all that were heard. */
export function nextTerm(highest: number | undefined): number {
  return Math.min((highest ?? 0) + 1, MAX_TERM);
}
