// SPDX-License-Identifier: Apache-2.0
/**
 * Who was seen to ask for which VIP, and so has an entry for it: those are told one by one when the VIP has a new owner. Bounded: the
 * ones that asked last are kept, a few for each VIP.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';

/** Askers that are kept of one VIP, and in all. */
const PER_VIP = 8;
const IN_ALL = 8192;

export interface Asker {
  readonly mac: MacAddress;
  readonly ip: IpAddress;
}

export class Askers {
  /** By VIP, then by MAC address; those that asked last come last, in both. */
  readonly #byVip = new Map<string, Map<string, Asker>>();
  #count = 0;

  /** Notes a question. */
  note(vip: IpAddress, asker: Asker): void {
    const key = String(vip);
    const askers = this.#byVip.get(key) ?? new Map<string, Asker>();
    this.#byVip.delete(key);
    this.#byVip.set(key, askers);
    this.#count -= askers.size;
    askers.delete(String(asker.mac));
    askers.set(String(asker.mac), asker);
    dropFirst(askers, PER_VIP);
    this.#count += askers.size;
    while (this.#count > IN_ALL) this.#forgetOldest();
  }

  /** Those that asked for a VIP, the latest first. */
  of(vip: IpAddress): Asker[] {
    return [...(this.#byVip.get(String(vip))?.values() ?? [])].reverse();
  }

  /** Forgets everybody who asked for anything else. */
  keep(vips: readonly IpAddress[]): void {
    const wanted = new Set(vips.map(String));
    for (const [vip, askers] of this.#byVip) {
      if (wanted.has(vip)) continue;
      this.#byVip.delete(vip);
      this.#count -= askers.size;
    }
  }

  #forgetOldest(): void {
    const [oldest] = this.#byVip;
    if (!oldest) return;
    this.#byVip.delete(oldest[0]);
    this.#count -= oldest[1].size;
  }
}

function dropFirst(askers: Map<string, Asker>, atMost: number): void {
  for (const key of askers.keys()) {
    if (askers.size <= atMost) return;
    askers.delete(key);
  }
}
