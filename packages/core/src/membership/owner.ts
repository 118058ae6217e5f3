// SPDX-License-Identifier: Apache-2.0
/** Who owns one VIP of a segment, as far as one node hears: for those who ask about few of them. */
import type { MacAddress } from '../net/mac-address.ts';
import { type Claim, type Claimant, compareClaims } from './claim.ts';
import type { Member } from './member.ts';
import type { MembershipState } from './state.ts';

export interface VipOwner extends Claimant {
  /** Of its interface in this segment. */
  readonly mac: MacAddress;
}

/** This node's claim, as it stands now. */
export function ownClaimant(state: MembershipState, { term, yieldsTo, isWeak, isFresh }: Claim): Claimant {
  const { node, bootId } = state.self;
  return { node, bootId, term, yieldsTo: yieldsTo ?? term, isWeak, isFresh };
}

export function claimantOf({ node, bootId }: Pick<Member, 'node' | 'bootId'>, claim: Claim): Claimant {
  const { term, yieldsTo, isWeak, isFresh } = claim;
  return { node, bootId, term, yieldsTo, isWeak, isFresh };
}

/**
 * The best claimant of a VIP (by its text), this node included; undefined when nobody claims it. What a member claims
 * that neither hears nor answers does not count.
 */
export function ownerOf(state: MembershipState, vip: string): VipOwner | undefined {
  const { self, claims, members } = state;
  const own = claims.get(vip);
  let best: VipOwner | undefined = own && { ...ownClaimant(state, own), mac: self.mac };
  for (const member of members) {
    const claim = member.darkSinceMs === undefined ? member.claims.get(vip) : undefined;
    if (claim === undefined) continue;
    const claimant = { ...claimantOf(member, claim), mac: member.mac };
    if (best === undefined || compareClaims(vip, claimant, best) < 0) best = claimant;
  }
  return best;
}
