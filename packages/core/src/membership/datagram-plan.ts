// SPDX-License-Identifier: Apache-2.0
/**
 * Which nodes of a segment get heartbeats as datagrams between node addresses, because no raw frame arrives, as behind
 * a packet filter below IP (docs/design/0014-heartbeats-over-udp.md). Pure: what was heard of whom and how, in;
 * addresses, out.
 *
 * Who hears no raw frame of a node that should be there sends it the lists, once a second, and says that it needs
 * datagrams. Whoever is asked so sends each heartbeat, for as long as it is asked. So raw frames that come in one
 * direction only are enough for that direction.
 */
import type { IpAddress } from '../net/ip-address.ts';

/** An address of a node that should be on the segment. Times are of any monotonic clock; undefined: never. */
export interface DatagramPeer {
  readonly address: IpAddress;
  /** When a raw frame of the node was last used, or when the node was first expected. */
  readonly rawMs: number;
  /** When a datagram from the address was last used. */
  readonly datagramMs: number | undefined;
  /** When the node last said that it needs datagrams. */
  readonly neededMs: number | undefined;
  readonly isReady: boolean;
}

/** Where to, and whether this node needs datagrams from there. */
export interface DatagramTarget {
  readonly address: IpAddress;
  readonly needs: boolean;
}

export interface DatagramPlan {
  /** Get each heartbeat and all lists. */
  readonly heartbeats: readonly DatagramTarget[];
  /** Get the lists alone. */
  readonly knocks: readonly DatagramTarget[];
}

/** No raw frame for so long: another way is tried. Several times the longest "dead after" in use. */
export const RAW_LOST_MS = 2000;
/** A datagram shows for so long that its way is open. */
const OPEN_MS = 2000;
/** A word that is repeated once a second holds for so long, so that two may be lost. */
const NEEDED_MS = 3500;

export function planDatagrams(peers: readonly DatagramPeer[], nowMs: number): DatagramPlan {
  const isWithin = (atMs: number | undefined, forMs: number) => atMs !== undefined && nowMs - atMs < forMs;
  const targetOf = (peer: DatagramPeer) => ({ address: peer.address, needs: nowMs - peer.rawMs >= RAW_LOST_MS });
  const isOpen = (peer: DatagramPeer) => isWithin(peer.datagramMs, OPEN_MS);
  const isAsked = (peer: DatagramPeer) => isWithin(peer.neededMs, NEEDED_MS);
  const needing = peers.filter((peer) => targetOf(peer).needs);
  return {
    heartbeats: peers.filter((peer) => isAsked(peer) || (needing.includes(peer) && isOpen(peer))).map(targetOf),
    knocks: needing.filter((peer) => peer.isReady && !isAsked(peer) && !isOpen(peer)).map(targetOf),
  };
}
