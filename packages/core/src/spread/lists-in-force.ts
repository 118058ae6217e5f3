// SPDX-License-Identifier: Apache-2.0
/** By which lists of sets a node goes. */
import { type SpreadState, setsVersionInForce } from './spread-state.ts';
import { takesPart } from './takes-part.ts';

export interface ListInForce {
  readonly version: number;
  readonly isPending: boolean;
}

/** The lists of sets by which this node goes, by owner, its own included. */
export function listsInForce(state: SpreadState, nowMs: number): Map<string, ListInForce> {
  const lists = new Map<string, ListInForce>();
  const ownPending = [...state.owned.values()].some(({ set }) => set.pending);
  lists.set(state.self.bootId, { version: state.setsVersion, isPending: ownPending });
  for (const peer of state.peers.values()) {
    const version = setsVersionInForce(state, peer);
    if (version === undefined || !takesPart(peer, nowMs)) continue;
    const isPending = [...peer.sets.known.values()].some(({ pending }) => pending);
    lists.set(peer.bootId, { version, isPending });
  }
  return lists;
}
