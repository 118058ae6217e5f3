// SPDX-License-Identifier: Apache-2.0
/**
 * Rendezvous hashing: every speaker orders the nodes of a VIP alike without talking to anybody, and a node that leaves
 * moves only the VIPs that it had.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { compareDigests, sha256 } from './sha256.ts';

/**
 * The nodes in the order in which they should own the VIP: ascending SHA-256 of the text `node#ip`. Input order is
 * irrelevant.
 */
export function rendezvousOrder(vip: IpAddress, nodes: Iterable<string>): string[] {
  const scored = [...new Set(nodes)].map((node) => ({ node, digest: sha256(`${node}#${vip}`) }));
  return scored.sort((a, b) => compareDigests(a.digest, b.digest)).map(({ node }) => node);
}
