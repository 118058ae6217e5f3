// SPDX-License-Identifier: Apache-2.0
/**
 * What is announced unasked on one interface, and when: each VIP at once when it is taken over, twice again within 5 s,
 * then slowly for as long as it is owned, since switches forget MAC addresses that they do not hear. After a takeover
 * those who are known to hold the old entry also get frames of their own, for networks that lose broadcasts. All frames
 * share one budget, so that the takeover of many VIPs does not drown the segment: what reaches most goes first.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import { FrameBudget } from './frame-budget.ts';

export interface GratuitousOptions {
  /** When the announcements after a takeover are due, in milliseconds from the takeover. Default: 0, 1000, 3000. */
  readonly burstMs: readonly number[];
  /**
   * Time between later announcements, in milliseconds. Default: 120,000, half the usual ageing time of switches less a
   * loss.
   */
  readonly refreshMs: number;
  /** Share of `refreshMs` by which a refresh may come early, from 0 to 1, so that VIPs spread out. Default: 0.25. */
  readonly jitter: number;
  /**
   * Frames per second on this interface. Default: 1000, a twentieth of what storm control of switches lets through at 1
   * % of 1 Gbit/s.
   */
  readonly perSecond: number;
  /** Frames that may go out at once after a quiet time. Default: 200. */
  readonly atOnce: number;
}

export const GRATUITOUS_DEFAULTS: GratuitousOptions = {
  burstMs: [0, 1000, 3000],
  refreshMs: 120_000,
  jitter: 0.25,
  perSecond: 1000,
  atOnce: 200,
};

/** Least time between two rounds of one VIP, in milliseconds: RetransTimer (RFC 4861, 7.2.6 and 10). */
const LEAST_GAP_MS = 1000;
/** Neighbours that get a frame of their own after a takeover, for each VIP. */
export const MAX_CORRECTED = 16;
/**
 * When the budget is used up, as many frames are gathered as go out in this time, so that no one wakes for each of
 * them.
 */
const GATHER_MS = 20;

/**
 * Who is known to hold the old entry: the way out of the segment, who asked for the VIP, or only somebody who is there.
 */
export const CORRECTED_KINDS = ['gateway', 'asker', 'neighbor'] as const;
export interface Corrected {
  readonly kind: (typeof CORRECTED_KINDS)[number];
  readonly mac: MacAddress;
  readonly ip: IpAddress;
}

/** One frame that is due. */
export type DueFrame =
  /**
   * To everybody: both forms of ARP one after the other; for IPv6 `request` stands for the only form. `isLast`: the
   * round ends with it.
   */
  | { readonly vip: IpAddress; readonly form: 'request' | 'reply'; readonly isLast: boolean }
  /** To one neighbour. */
  | { readonly vip: IpAddress; readonly to: Corrected };

/** In the order in which they go out when not all can; the rounds after the first come last. */
const URGENCY = { request: 0, gateway: 1, asker: 2, reply: 3, neighbor: 4, again: 5 } as const;
const URGENCIES = 6;

interface Step {
  readonly urgency: number;
  readonly what: 'request' | 'reply' | Corrected;
}

interface Entry {
  readonly vip: IpAddress;
  readonly takenAtMs: number;
  rounds: number;
  dueMs: number;
  /** What is left of the round that is due or under way, most urgent first. */
  steps: readonly Step[];
  /** Neighbours that still get a frame of their own, most urgent first; due at once. */
  corrections: readonly Step[];
}

/**
 * The announcements of one interface. Time is any monotonic clock in milliseconds; `random` gives numbers in [0, 1).
 */
export class GratuitousSchedule {
  readonly #options: GratuitousOptions;
  readonly #random: () => number;
  readonly #budget: FrameBudget;
  readonly #entries = new Map<string, Entry>();

  constructor(random: () => number, options: Partial<GratuitousOptions> = {}) {
    this.#options = { ...GRATUITOUS_DEFAULTS, ...options };
    this.#random = random;
    this.#budget = new FrameBudget(this.#options);
  }

  /** Begins to announce a VIP. One that is announced already goes on as it is. Whether it is new. */
  add(vip: IpAddress, nowMs: number): boolean {
    if (this.#entries.has(String(vip))) return false;
    const dueMs = nowMs + (this.#options.burstMs[0] ?? 0);
    this.#entries.set(String(vip), {
      vip,
      takenAtMs: nowMs,
      rounds: 0,
      dueMs,
      steps: stepsOf(vip, 'first'),
      corrections: [],
    });
    return true;
  }

  /**
   * Begins again with the burst: clients may have heard of another owner meanwhile. Unknown VIPs are ignored; whether
   * it is known.
   */
  again(vip: IpAddress, nowMs: number): boolean {
    const isKnown = this.#entries.delete(String(vip));
    return isKnown && this.add(vip, nowMs);
  }

  remove(vip: IpAddress): void {
    this.#entries.delete(String(vip));
  }

  /** Announces exactly these VIPs: adds the new ones, which it returns, and removes the others. */
  keep(vips: readonly IpAddress[], nowMs: number): IpAddress[] {
    const wanted = new Set(vips.map(String));
    for (const entry of [...this.#entries.values()]) if (!wanted.has(String(entry.vip))) this.remove(entry.vip);
    return vips.filter((vip) => this.add(vip, nowMs));
  }

  /**
   * Tells these neighbours of a VIP as well, {@link MAX_CORRECTED} at most, gateways first. Unknown VIPs are ignored.
   */
  correct(vip: IpAddress, neighbors: readonly Corrected[]): void {
    const entry = this.#entries.get(String(vip));
    if (!entry) return;
    const steps = neighbors.map((what): Step => ({ urgency: URGENCY[what.kind], what }));
    entry.corrections = steps.sort((a, b) => a.urgency - b.urgency).slice(0, MAX_CORRECTED);
  }

  /** Takes the frames to send now, as far as the budget allows; the rest stays due. */
  take(nowMs: number): DueFrame[] {
    const taken: DueFrame[] = [];
    let left = this.#budget.left(nowMs);
    while (left > 0) {
      const batch = this.#mostUrgent(nowMs).slice(0, left);
      if (batch.length === 0) break;
      for (const entry of batch) taken.push(this.#takeStep(entry, nowMs));
      left -= batch.length;
    }
    this.#budget.spend(taken.length);
    return taken;
  }

  /** When {@link take} is worth calling again, or undefined when nothing is announced. */
  nextMs(nowMs: number): number | undefined {
    if (this.#entries.size === 0) return undefined;
    let earliestMs = Number.POSITIVE_INFINITY;
    let due = 0;
    for (const { dueMs, steps, corrections } of this.#entries.values()) {
      earliestMs = Math.min(earliestMs, corrections.length > 0 ? nowMs : dueMs);
      due += corrections.length + (dueMs <= nowMs ? steps.length : 0);
    }
    const gathered = Math.ceil((this.#options.perSecond * GATHER_MS) / 1000);
    return Math.max(earliestMs, this.#budget.readyMs(Math.max(1, Math.min(due, gathered)), nowMs));
  }

  /** Entries whose next frame has the least urgency number of all that are due, those that wait longest first. */
  #mostUrgent(nowMs: number): Entry[] {
    const byUrgency: Entry[][] = Array.from({ length: URGENCIES }, () => []);
    for (const entry of this.#entries.values()) {
      const step = nextStep(entry, nowMs);
      if (step) byUrgency[step.urgency]?.push(entry);
    }
    return byUrgency.find((entries) => entries.length > 0) ?? [];
  }

  #takeStep(entry: Entry, nowMs: number): DueFrame {
    const { vip } = entry;
    const step = nextStep(entry, nowMs);
    if (!step) throw new Error('core: gratuitous schedule: a VIP without a frame was taken');
    if (typeof step.what !== 'string') {
      entry.corrections = entry.corrections.slice(1);
      return { vip, to: step.what };
    }
    entry.steps = entry.steps.slice(1);
    const isLast = entry.steps.length === 0;
    if (isLast) this.#planRound(entry, nowMs);
    return { vip, form: step.what, isLast };
  }

  // A repeat that the budget made late does not shift the ones behind it, as long as they keep their distance.
  #planRound(entry: Entry, nowMs: number): void {
    const { burstMs, refreshMs, jitter } = this.#options;
    entry.rounds += 1;
    entry.steps = stepsOf(entry.vip, 'again');
    const offsetMs = burstMs[entry.rounds];
    entry.dueMs =
      offsetMs === undefined
        ? nowMs + refreshMs * (1 - jitter * this.#random())
        : Math.max(nowMs + LEAST_GAP_MS, entry.takenAtMs + offsetMs);
    // Behind those that wait longer.
    this.#entries.delete(String(entry.vip));
    this.#entries.set(String(entry.vip), entry);
  }
}

function nextStep({ dueMs, steps, corrections }: Entry, nowMs: number): Step | undefined {
  const ofRound = dueMs <= nowMs ? steps[0] : undefined;
  const [correction] = corrections;
  if (!ofRound || !correction) return ofRound ?? correction;
  return ofRound.urgency < correction.urgency ? ofRound : correction;
}

function stepsOf({ family }: IpAddress, round: 'first' | 'again'): Step[] {
  const forms = family === 'IPv4' ? (['request', 'reply'] as const) : (['request'] as const);
  return forms.map((what) => ({ urgency: round === 'first' ? URGENCY[what] : URGENCY.again, what }));
}
