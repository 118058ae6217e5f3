// SPDX-License-Identifier: Apache-2.0
/** Nodes that an address should rather be on, in words. */
import type { IpAddress } from '../net/ip-address.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { OwnerBoard } from './owner-board.ts';

/** A sentence for each of these addresses, and segment, on which another node stands before the owner. */
export function betterNodeTexts(vips: readonly IpAddress[], facts: ClusterFacts): readonly string[] {
  const board = new OwnerBoard(facts);
  const asked = vips.flatMap((vip) => board.holdings.filter((one) => one.vip.equals(vip)));
  return asked.flatMap((one) => {
    const better = board.betterThanOwner(one);
    if (better.length === 0) return [];
    const nodes = `${better.join(' and ')} ${better.length === 1 ? 'is' : 'are'} preferred to ${one.owner}, which owns ${one.vip}`;
    return [`${nodes}: it moves by itself where that breaks no connection, unless the speakers have --rebalance=off.`];
  });
}
