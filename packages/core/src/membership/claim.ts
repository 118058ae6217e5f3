// SPDX-License-Identifier: Apache-2.0
/**
 * Claims: "this node owns this VIP", with a term that only grows. Of two claims exactly one is better, and all nodes
 * agree which.
 */
import { compareDigests, sha256 } from '../placement/sha256.ts';
import type { WireClaim } from '../wire/heartbeat-section.ts';

/** A VIP that a member owns, as that member said. */
export type Claim = WireClaim;

/** Claims of one member by the text of the VIP. */
export type Claims = ReadonlyMap<string, Claim>;

/** A claim with its claimant. */
export interface Claimant extends Omit<Claim, 'vip'> {
  readonly node: string;
  readonly bootId: string;
}

/** Largest term on the wire. A VIP would have to move once a second for 136 years. */
export const MAX_TERM = 0xffff_ffff;

/**
 * Who takes over from a silent owner without hearing most nodes leaves so many terms free below its own: within one
 * line the lower term is better, and the side that most nodes are on may take over several times meanwhile.
 */
const LEAP = 8;

/**
 * Negative when a's claim to the VIP is better than b's, positive when b's is; zero for the same claimant only. Settled
 * by strength, then by who took over from whom ({@link byLineage}; with equal terms who took over from a silent owner
 * is behind), then by rendezvous order, then by the lower boot id (two nodes with one name). Beside an older speaker
 * the higher term wins, since that is what it goes by.
 */
export function compareClaims(vip: string, a: Claimant, b: Claimant): number {
  const order = byStrength(a, b);
  if (order !== 0) return order;
  const byRendezvous = a.node === b.node ? 0 : compareDigests(sha256(`${a.node}#${vip}`), sha256(`${b.node}#${vip}`));
  if (byRendezvous !== 0) return byRendezvous;
  if (a.bootId === b.bootId) return 0;
  return a.bootId < b.bootId ? -1 : 1;
}

/** Whether somebody may hold the VIP all the time from whom it was taken over while that one was silent. */
export function isOfOpenLine({ term, yieldsTo }: Pick<Claim, 'term' | 'yieldsTo'>): boolean {
  return yieldsTo !== undefined && yieldsTo < term;
}

/** The term of a claim that beats all that were heard. */
export function nextTerm(highest: number | undefined): number {
  return Math.min((highest ?? 0) + 1, MAX_TERM);
}

/**
 * The term of a takeover from a silent owner by a node that hears few of the others: above what others may take over
 * with meanwhile.
 */
export function nextTermOfFew(highest: number | undefined): number {
  return Math.min(nextTerm(highest) + LEAP, MAX_TERM);
}

function byStrength(a: Claimant, b: Claimant): number {
  if (a.yieldsTo === undefined || b.yieldsTo === undefined) return b.term - a.term;
  const byRank = rankOf(b) - rankOf(a);
  if (byRank !== 0) return byRank;
  // Of two that know nothing of each other: an owner that was silent may have handed on what the other one took over
  // from it.
  if (a.term === b.term) return b.yieldsTo - a.yieldsTo;
  return a.term < b.term ? byLineage(a, b) : -byLineage(b, a);
}

/**
 * Of two of a kind, the one with the lower term first: it was held all the time if the other one took over from it, or
 * from one that did, while it was silent; then it is better. Else it was given up, or was never part of that line: the
 * higher term is better.
 */
function byLineage(lower: Claimant, higher: Claimant): number {
  return lower.term >= (higher.yieldsTo ?? higher.term) ? -1 : 1;
}

/**
 * A firm claim goes before a weak one, and of each kind one that was made in company before one of a node that had just
 * come.
 */
function rankOf({ isWeak, isFresh }: Claimant): number {
  return (isWeak ? 0 : 2) + (isFresh ? 0 : 1);
}
