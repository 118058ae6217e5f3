// SPDX-License-Identifier: Apache-2.0
/** Which flows live elsewhere than their hash says, by all that this node has heard. */
import { joinPieces } from './hear-spread.ts';
import type { SpreadState } from './spread-state.ts';
import { lostNodes } from './unheard-nodes.ts';

/**
 * Strays that hold at this node: flow by flow, with the id of the node at which each lives. Of two that both have a
 * flow the last one counts.
 */
export function straysInForce(state: SpreadState): {
  readonly fingerprints: BigUint64Array;
  readonly holders: Uint32Array;
} {
  const present = new Set([state.self.id, ...[...state.peers.values()].map(({ id }) => id)]);
  const lists = new Map<number, BigUint64Array>();
  for (const { id, strays } of [...state.away.values(), ...lostNodes(state)]) lists.set(id, strays);
  for (const peer of state.peers.values())
    for (const [holder, strays] of peer.strays.known)
      if (holder === peer.id || !present.has(holder)) lists.set(holder, strays);
  lists.set(state.self.id, state.strays);
  const fingerprints = joinPieces([...lists.values()]);
  const holders = new Uint32Array(fingerprints.length);
  let at = 0;
  for (const [id, { length }] of lists) {
    holders.fill(id, at, at + length);
    at += length;
  }
  return { fingerprints, holders };
}
