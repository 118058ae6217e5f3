// SPDX-License-Identifier: Apache-2.0
/**
 * When a VIP is announced unasked on one interface: at once when it is taken over, twice again within 5 s, then slowly for as
 * long as it is owned, since switches forget MAC addresses that they do not hear. A budget of frames per second keeps the
 * takeover of many VIPs from drowning the segment; first announcements go before repeats.
 */
import type { IpAddress } from '../net/ip-address.ts';

export interface GratuitousOptions {
  /** When the announcements after a takeover are due, in milliseconds from the takeover. Default: 0, 1000, 3000. */
  readonly burstMs: readonly number[];
  /** Time between later announcements, in milliseconds. Default: 120,000, half the usual ageing time of switches less a loss. */
  readonly refreshMs: number;
  /** Share of `refreshMs` by which a refresh may come early, from 0 to 1, so that VIPs spread out. Default: 0.25. */
  readonly jitter: number;
  /** Announcements per second on this interface (each is two frames). Default: 250. */
  readonly perSecond: number;
  /** Announcements that may go out at once after a quiet time. Default: 50. */
  readonly atOnce: number;
}

export const GRATUITOUS_DEFAULTS: GratuitousOptions = {
  burstMs: [0, 1000, 3000],
  refreshMs: 120_000,
  jitter: 0.25,
  perSecond: 250,
  atOnce: 50,
};

/** Least time between two announcements of one VIP, in milliseconds: RetransTimer (RFC 4861, 7.2.6 and 10). */
const LEAST_GAP_MS = 1000;

interface Entry {
  readonly vip: IpAddress;
  readonly takenAtMs: number;
  sent: number;
  dueMs: number;
}

/** The announcements of one interface. Time is any monotonic clock in milliseconds; `random` gives numbers in [0, 1). */
export class GratuitousSchedule {
  readonly #options: GratuitousOptions;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry>();
  #tokens: number;
  #refilledAtMs = 0;

  constructor(random: () => number, options: Partial<GratuitousOptions> = {}) {
    this.#options = { ...GRATUITOUS_DEFAULTS, ...options };
    this.#random = random;
    this.#tokens = this.#options.atOnce;
  }

  /** Begins to announce a VIP. One that is announced already goes on as it is. */
  add(vip: IpAddress, nowMs: number): void {
    if (this.#entries.has(String(vip))) return;
    this.#entries.set(String(vip), { vip, takenAtMs: nowMs, sent: 0, dueMs: nowMs + (this.#options.burstMs[0] ?? 0) });
  }

  /** Begins again with the burst for every VIP: the link was down, or the node was silent for a while. */
  restart(nowMs: number): void {
    const vips = [...this.#entries.values()].map((entry) => entry.vip);
    this.#entries.clear();
    for (const vip of vips) this.add(vip, nowMs);
  }

  remove(vip: IpAddress): void {
    this.#entries.delete(String(vip));
  }

  /** Announces exactly these VIPs: adds the new ones and removes the others. */
  keep(vips: readonly IpAddress[], nowMs: number): void {
    const wanted = new Set(vips.map(String));
    for (const entry of [...this.#entries.values()]) if (!wanted.has(String(entry.vip))) this.remove(entry.vip);
    for (const vip of vips) this.add(vip, nowMs);
  }

  /** Takes the VIPs to announce now, as far as the budget allows; the rest stays due. */
  take(nowMs: number): IpAddress[] {
    this.#refill(nowMs);
    const due = [...this.#entries.values()].filter((entry) => entry.dueMs <= nowMs).sort(byUrgency);
    const taken = due.slice(0, Math.floor(this.#tokens));
    this.#tokens -= taken.length;
    for (const entry of taken) this.#plan(entry, nowMs);
    return taken.map((entry) => entry.vip);
  }

  /** When {@link take} is worth calling again, or undefined when nothing is announced. */
  nextMs(nowMs: number): number | undefined {
    if (this.#entries.size === 0) return undefined;
    const earliest = [...this.#entries.values()].reduce(
      (least, entry) => Math.min(least, entry.dueMs),
      Number.POSITIVE_INFINITY,
    );
    const missing = Math.max(0, 1 - this.#tokens);
    return Math.max(earliest, nowMs + (missing * 1000) / this.#options.perSecond);
  }

  #refill(nowMs: number): void {
    const { perSecond, atOnce } = this.#options;
    const elapsedMs = Math.max(0, nowMs - this.#refilledAtMs);
    this.#tokens = Math.min(atOnce, this.#tokens + (elapsedMs * perSecond) / 1000);
    this.#refilledAtMs = nowMs;
  }

  // A repeat that the budget made late does not shift the ones behind it, as long as they keep their distance.
  #plan(entry: Entry, nowMs: number): void {
    entry.sent += 1;
    const offsetMs = this.#options.burstMs[entry.sent];
    const refreshMs = this.#options.refreshMs * (1 - this.#options.jitter * this.#random());
    entry.dueMs =
      offsetMs === undefined ? nowMs + refreshMs : Math.max(nowMs + LEAST_GAP_MS, entry.takenAtMs + offsetMs);
  }
}

function byUrgency(a: Entry, b: Entry): number {
  return a.sent - b.sent || a.dueMs - b.dueMs || a.vip.compare(b.vip);
}
