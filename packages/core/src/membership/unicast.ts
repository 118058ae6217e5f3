// SPDX-License-Identifier: Apache-2.0
/**
 * Which nodes of a segment get heartbeats of their own, because the group does not bring them
 * (docs/design/0010-membership-protocol.md, section 3.1). Pure: what was heard of whom and how, in; MAC addresses, out.
 *
 * A node that is expected and not heard at all is knocked at with the frames that go out once a second. Whoever is
 * heard by a frame of its own alone, or does not hear us, gets each heartbeat; so a knock that is heard opens both
 * directions at once.
 */
import type { MacAddress } from '../net/mac-address.ts';

/** A node that should be on the segment. */
export interface ExpectedPeer {
  readonly mac: MacAddress;
  /**
   * When a frame of it was last believed that came by the group, or to this node alone; undefined: never. On any
   * monotonic clock.
   */
  readonly groupMs: number | undefined;
  readonly aloneMs: number | undefined;
  /**
   * Whether it is a member that did not hear this node while the group brought it here, at any time since it was first
   * heard.
   */
  readonly isDeaf: boolean;
}

export interface UnicastPlan {
  /** Get each heartbeat and all lists. */
  readonly heartbeats: readonly MacAddress[];
  /** Get the lists alone. */
  readonly knocks: readonly MacAddress[];
}

/**
 * How this node reaches its peers, for people: frames to the group, frames to single stations, datagrams between node
 * addresses, or not all in one way.
 */
export const TRANSPORTS = ['multicast', 'unicast', 'udp', 'mixed'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** How long a way counts as open after a frame came by it: several times the longest interval of heartbeats. */
const OPEN_MS = 2000;

export function planUnicast(peers: readonly ExpectedPeer[], nowMs: number): UnicastPlan {
  const isOpen = (atMs: number | undefined) => atMs !== undefined && nowMs - atMs < OPEN_MS;
  const isAlone = (peer: ExpectedPeer) => isOpen(peer.aloneMs) && !isOpen(peer.groupMs);
  const isHeard = (peer: ExpectedPeer) => isOpen(peer.aloneMs) || isOpen(peer.groupMs);
  const needsAll = (peer: ExpectedPeer) => isAlone(peer) || (peer.isDeaf && isHeard(peer));
  return {
    heartbeats: peers.filter(needsAll).map(({ mac }) => mac),
    knocks: peers.filter((peer) => !isHeard(peer)).map(({ mac }) => mac),
  };
}

/** `unicast`: no peer is reached by the group alone. With nobody to be heard it is the group that is tried. */
export function transportOf(peers: readonly ExpectedPeer[], nowMs: number): Transport {
  const alone = planUnicast(peers, nowMs).heartbeats.length;
  const heard = peers.length - planUnicast(peers, nowMs).knocks.length;
  if (alone === 0) return 'multicast';
  return alone === heard ? 'unicast' : 'mixed';
}
