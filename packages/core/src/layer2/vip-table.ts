// SPDX-License-Identifier: Apache-2.0
/**
 * What this node answers for: VIP -> the Services that want it -> the interfaces on which they want it. A VIP that
 * several Services share is answered until the last of them is withdrawn.
 */
import type { IpAddress } from '../net/ip-address.ts';

/** What one Service wants of one VIP. */
export interface VipWish {
  /** Key of the Service, `namespace/name`. */
  readonly service: string;
  readonly vip: IpAddress;
  /** Names of the interfaces to answer on. Empty: none. */
  readonly interfaces: readonly string[];
}

/** One VIP with all its interfaces, in the order of their names. */
export interface AnsweredVip {
  readonly vip: IpAddress;
  readonly interfaces: readonly string[];
  /** Keys of the Services that want it, sorted. */
  readonly services: readonly string[];
}

interface Row {
  readonly vip: IpAddress;
  readonly interfacesByService: Map<string, readonly string[]>;
}

/** The announcements of one node. VIPs are matched exactly. */
export class VipTable {
  readonly #rows = new Map<string, Row>();

  /** Adds what a Service wants, or changes its interfaces if it wanted the VIP before. */
  set(wish: VipWish): void {
    const key = String(wish.vip);
    const row = this.#rows.get(key) ?? { vip: wish.vip, interfacesByService: new Map() };
    row.interfacesByService.set(wish.service, wish.interfaces);
    this.#rows.set(key, row);
  }

  /** Forgets what a Service wanted of a VIP. Unknown pairs are ignored. */
  withdraw(service: string, vip: IpAddress): void {
    const row = this.#rows.get(String(vip));
    row?.interfacesByService.delete(service);
    if (row?.interfacesByService.size === 0) this.#rows.delete(String(vip));
  }

  /** The VIP with the interfaces of all its Services together, or undefined when no one wants it. */
  find(vip: IpAddress): AnsweredVip | undefined {
    const row = this.#rows.get(String(vip));
    return row && answered(row);
  }

  /** Every VIP, in the order in which they were first set. */
  list(): AnsweredVip[] {
    return [...this.#rows.values()].map(answered);
  }
}

function answered(row: Row): AnsweredVip {
  const interfaces = [...new Set([...row.interfacesByService.values()].flat())].sort();
  return { vip: row.vip, interfaces, services: [...row.interfacesByService.keys()].sort() };
}
