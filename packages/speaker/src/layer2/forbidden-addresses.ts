// SPDX-License-Identifier: Apache-2.0
/**
 * Addresses that this node never answers for, whatever a status says: those of any node of the cluster, by the Node
 * objects and by its own kernel, and those of its gateways. Pure but for a memory of what was read.
 */
import { IpAddress } from '@berth/core';
import type { Node } from '@berth/kube';
import type { LinkState } from '@berth/link';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import { type Gateway, isVipInterface } from './own-addresses.ts';

/** Whose an address is, as people read it: `node edge-1`, `gateway on eth0`. */
export type AddressOwner = string;

export interface ForbiddenFacts {
  readonly nodes: Iterable<Node>;
  readonly nodeName: string;
  readonly links: readonly LinkState[];
  readonly gateways: readonly Gateway[];
}

/** By the object in the store, which is another one after each change. */
const addressesKnown = new WeakMap<Node, readonly string[]>();

/** Owners by address. */
export function forbiddenAddresses({ nodes, nodeName, links, gateways }: ForbiddenFacts): Map<string, AddressOwner> {
  const owners = new Map<string, AddressOwner>();
  for (const { address, interface: ifname } of gateways) owners.set(String(address), `a gateway on ${ifname}`);
  for (const node of nodes) for (const text of nodeAddressTexts(node)) owners.set(text, `node ${node.metadata.name}`);
  for (const { name, addresses } of links) {
    if (isVipInterface(name)) continue;
    for (const { address } of addresses) owners.set(String(address), `node ${nodeName} on ${name}`);
  }
  return owners;
}

export interface Sorted {
  readonly allowed: readonly WantedVip[];
  readonly refused: readonly (WantedVip & { readonly owner: AddressOwner })[];
}

/** Tells wanted VIPs apart by whether they may be answered for. */
export function withoutForbidden(wanted: readonly WantedVip[], owners: ReadonlyMap<string, AddressOwner>): Sorted {
  const refused = wanted.flatMap((one) => {
    const owner = owners.get(String(one.vip));
    return owner === undefined ? [] : [{ ...one, owner }];
  });
  // Nearly always there is none, and the very list stays.
  if (refused.length === 0) return { allowed: wanted, refused };
  return { allowed: wanted.filter(({ vip }) => !owners.has(String(vip))), refused };
}

/** The addresses of a node by its Node object, as text. */
export function nodeAddressTexts(node: Node): readonly string[] {
  const known = addressesKnown.get(node);
  if (known) return known;
  const texts = (node.status?.addresses ?? []).flatMap(({ address }) => {
    const parsed = IpAddress.parse(address);
    return parsed.ok ? [String(parsed.value)] : [];
  });
  addressesKnown.set(node, texts);
  return texts;
}
