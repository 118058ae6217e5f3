// SPDX-License-Identifier: Apache-2.0
/**
 * Who answers for a VIP. Pure functions of members, eligible nodes and present owners, so that every speaker that knows the same
 * comes to the same result.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { rendezvousOrder } from './rendezvous.ts';

export interface PlaceOptions {
  readonly vip: IpAddress;
  /** Names of the nodes that may own it. */
  readonly eligible: Iterable<string>;
  /** Present owner: it keeps the VIP while it is eligible, since a move breaks the connections that run through it. */
  readonly owner?: string | undefined;
  /** VIPs owned by each node; absent means 0. Without loads the rendezvous order alone decides. */
  readonly loads?: ReadonlyMap<string, number> | undefined;
}

/** The node that owns the VIP, or undefined when no node may: owner if eligible, then least loaded, then rendezvous order. */
export function placeOwner(options: PlaceOptions): string | undefined {
  const candidates = rendezvousOrder(options.vip, options.eligible);
  if (options.owner !== undefined && candidates.includes(options.owner)) return options.owner;
  const loadOf = (node: string) => options.loads?.get(node) ?? 0;
  const least = Math.min(...candidates.map(loadOf));
  return candidates.find((node) => loadOf(node) === least);
}

/** A VIP to be placed among others. */
export type PlacedVip = Omit<PlaceOptions, 'loads'>;

/**
 * Owners of many VIPs by the text of the VIP. Owned ones stay; the others go, in the order of their addresses, where fewest are,
 * so that fresh load differs by at most one between equally eligible nodes. VIPs that no node may own are absent.
 */
export function placeAll(vips: readonly PlacedVip[]): Map<string, string> {
  const owners = new Map<string, string>();
  const loads = new Map<string, number>();
  const settle = (vip: IpAddress, owner: string) => {
    owners.set(String(vip), owner);
    loads.set(owner, (loads.get(owner) ?? 0) + 1);
  };
  const rows = vips.map((row) => ({ ...row, eligible: new Set(row.eligible) }));
  const isKept = (row: (typeof rows)[number]) => row.owner !== undefined && row.eligible.has(row.owner);
  for (const row of rows) if (row.owner !== undefined && isKept(row)) settle(row.vip, row.owner);
  const open = rows.filter((row) => !isKept(row)).sort((a, b) => a.vip.compare(b.vip));
  for (const row of open) {
    const owner = placeOwner({ ...row, loads });
    if (owner !== undefined) settle(row.vip, owner);
  }
  return owners;
}
