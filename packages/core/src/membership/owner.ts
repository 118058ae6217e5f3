// SPDX-License-Identifier: Apache-2.0
/** Who owns one VIP of a segment, as far as one node hears: for those who ask about few of them. */
import type { MacAddress } from '../net/mac-address.ts';
import { type Claimant, compareClaims } from './claim.ts';
import type { MembershipState } from './state.ts';

export interface VipOwner extends Claimant {
  /** Of its interface in this segment. */
  readonly mac: MacAddress;
}

/** The best claimant of a VIP (by its text), this node included; undefined when nobody claims it. */
export function ownerOf({ self, claims, members }: MembershipState, vip: string): VipOwner | undefined {
  const own = claims.get(vip);
  let best: VipOwner | undefined = own && { node: self.node, bootId: self.bootId, term: own.term, mac: self.mac };
  for (const { node, bootId, mac, claims: theirs } of members) {
    const claim = theirs.get(vip);
    if (claim === undefined) continue;
    const claimant = { node, bootId, term: claim.term, mac };
    if (best === undefined || compareClaims(vip, claimant, best) < 0) best = claimant;
  }
  return best;
}
