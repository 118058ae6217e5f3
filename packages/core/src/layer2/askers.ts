// SPDX-License-Identifier: Apache-2.0
/**
 * Who was seen to ask for which VIP, and so has an entry for it: each of those gets a frame of its own when the VIP
 * has a new owner. Bounded: the ones that asked last are kept, a few for each VIP.
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

interface Noted extends Asker {
  /** When it last asked. */
  readonly atMs: number;
}

export class Askers {
  /** By VIP, then by MAC address; those that asked last come last, in both. */
  readonly #byVip = new Map<string, Map<string, Noted>>();
  #count = 0;

  /** Notes a question, at a time of a monotonic clock in milliseconds. */
  note(vip: IpAddress, { mac, ip }: Asker, nowMs: number): void {
    const key = String(vip);
    const askers = this.#byVip.get(key) ?? new Map<string, Noted>();
    this.#byVip.delete(key);
    this.#byVip.set(key, askers);
    this.#count -= askers.size;
    askers.delete(String(mac));
    askers.set(String(mac), { mac, ip, atMs: nowMs });
    dropFirst(askers, PER_VIP);
    this.#count += askers.size;
    while (this.#count > IN_ALL) this.#forgetOldest();
  }

  /** Those that asked for a VIP, the latest first. */
  of(vip: IpAddress): Asker[] {
    return [...(this.#byVip.get(String(vip))?.values() ?? [])].map(({ mac, ip }) => ({ mac, ip })).reverse();
  }

  /** Those that asked for anything since then, each once and the latest first; `atMost` of them. */
  lately(sinceMs: number, atMost: number): Asker[] {
    const latest = new Map<string, Asker>();
    // The VIPs that were asked for last come last, and so do the askers of each.
    for (const askers of [...this.#byVip.values()].reverse()) {
      const [...some] = askers.values();
      if ((some.at(-1)?.atMs ?? sinceMs) < sinceMs) break;
      for (const { mac, ip, atMs } of some.reverse())
        if (atMs >= sinceMs && latest.size < atMost) latest.set(`${mac} ${ip}`, { mac, ip });
      if (latest.size >= atMost) break;
    }
    return [...latest.values()];
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

function dropFirst(askers: Map<string, Noted>, atMost: number): void {
  for (const key of askers.keys()) {
    if (askers.size <= atMost) return;
    askers.delete(key);
  }
}
