// SPDX-License-Identifier: Apache-2.0
/**
 * What a node must know before a VIP moves to it on purpose, and which flows stay behind
 * (docs/design/0042-planned-moves.md).
 */
import { heldVips } from './own-strays.ts';
import { isSettled, type SpreadPeer, type SpreadState, setInForce } from './spread-state.ts';
import { takesPart } from './takes-part.ts';

export interface PlannedMove {
  /** Text of the VIP. */
  readonly vip: string;
  /** Boot id of the next owner. */
  readonly to: string;
  /** Version of this node's sets in which the VIP was named first. */
  readonly sinceVersion: number;
}

/**
 * Whether the next owner of a VIP would pass on what belongs to others from its first moment on: it goes by the set of
 * this node, and it knows all strays. False also while a change of the set is under way, or has just been committed.
 */
export function isReadyToMove(state: SpreadState, { vip, to, sinceVersion }: PlannedMove, nowMs: number): boolean {
  const next = state.peers.get(to);
  if (state.phase === 'starting' || next === undefined || !takesPart(next, nowMs)) return false;
  if (!state.owned.has(vip) || !isSettled(state, vip, nowMs) || !next.serves.known.has(vip)) return false;
  const ours = next.has.get(state.self.bootId);
  return (ours?.sets ?? 0) >= sinceVersion && knowsStrays(state, next, nowMs);
}

/** Worked out once for all VIPs that are about to move, of which there may be thousands. */
const KNOWS_STRAYS = new WeakMap<SpreadState, Map<SpreadPeer, boolean>>();

function knowsStrays(state: SpreadState, next: SpreadPeer, nowMs: number): boolean {
  const byPeer = KNOWS_STRAYS.get(state) ?? new Map<SpreadPeer, boolean>();
  KNOWS_STRAYS.set(state, byPeer);
  const known = byPeer.get(next);
  if (known !== undefined) return known;
  const others = [...state.peers.values()].filter((peer) => peer !== next && takesPart(peer, nowMs));
  const knows =
    (next.has.get(state.self.bootId)?.strays ?? 0) >= state.straysVersion &&
    others.every((peer) => (next.has.get(peer.bootId)?.strays ?? 0) >= peer.straysSaid);
  byPeer.set(next, knows);
  return knows;
}

/**
 * VIPs of which this node keeps flows although it takes no new ones: another node owns them, or serves them in its
 * place.
 */
export function keptVips(state: SpreadState, nowMs: number): readonly string[] {
  return [...heldVips(state.flows)].filter((vip) => {
    const about = state.vips.get(vip);
    const isOfOther = about?.serve === 'owner' && about.owner !== undefined && about.owner !== state.self.bootId;
    const own = setInForce(state, vip, nowMs)?.committed.find(({ id }) => id === state.self.id);
    return isOfOther || (own !== undefined && own.state !== 'serving');
  });
}
