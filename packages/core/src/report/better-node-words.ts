// SPDX-License-Identifier: Apache-2.0
/** Nodes that an address should rather be on, in words. */
import type { IpAddress } from '../net/ip-address.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { OwnerBoard } from './owner-board.ts';

/** A sentence for each segment on which another node stands before the owner of the address. */
export function betterNodeTexts(vip: IpAddress, facts: ClusterFacts): readonly string[] {
  const board = new OwnerBoard(facts);
  return board.holdings.flatMap((one) => {
    const better = one.vip.equals(vip) ? board.betterThanOwner(one) : [];
    if (better.length === 0) return [];
    const nodes = `${better.join(' and ')} ${better.length === 1 ? 'is' : 'are'} preferred to ${one.owner}, which owns ${vip}`;
    return [`${nodes}: it moves by itself where that breaks no connection, unless the speakers have --rebalance=off.`];
  });
}
