// SPDX-License-Identifier: Apache-2.0
/**
 * Watches what the responder counts for strangers that claim VIPs of this node, and does what core's stepDefence says:
 * one announcement in defence, one alarm, its end. It is looked at from time to time; the counters do not forget what
 * happened in between.
 */
import {
  DEFENCE_TIMING,
  type DefenceEvent,
  type DefenceState,
  type DefenceTiming,
  type IpAddress,
  type MacAddress,
  stepDefence,
  UNDISTURBED,
} from '@berth/core';
import { Signal } from '@berth/runtime';
import type { VipCounters } from './vip-rows.ts';

export interface ConflictWatchOptions {
  /** Counters of the VIPs that are answered, the responder's; those without claims may be left out. */
  counters(): readonly VipCounters[];
  /** Whether a MAC address is this node's own or another member's. */
  isOurs(mac: MacAddress): boolean;
  /** Announces the VIP once, where it is answered. */
  announce(vip: IpAddress): void;
  /** Default: core's DEFENCE_TIMING. */
  readonly timing?: DefenceTiming;
}

interface Watched {
  readonly vip: IpAddress;
  claims: number;
  state: DefenceState;
}

export class ConflictWatch {
  /** A stranger claims a VIP. */
  readonly raised = new Signal<[vip: IpAddress, stranger: MacAddress]>();
  /** The stranger was silent for long enough, or the VIP is not answered here any more. */
  readonly ended = new Signal<[vip: IpAddress]>();
  readonly #options: ConflictWatchOptions;
  #watched = new Map<string, Watched>();

  constructor(options: ConflictWatchOptions) {
    this.#options = options;
  }

  /**
   * Looks once, at a time of a monotonic clock in milliseconds. A VIP that is not answered any more is forgotten, its
   * alarm ended.
   */
  look(nowMs: number): void {
    const seen = new Map<string, Watched>();
    for (const row of this.#options.counters()) {
      const key = String(row.vip);
      const watched = this.#watched.get(key) ?? { vip: row.vip, claims: 0, state: UNDISTURBED };
      seen.set(key, watched);
      this.#step(watched, eventOf(row, watched), nowMs);
      watched.claims = row.claims;
    }
    for (const [key, { vip, state }] of this.#watched) if (!seen.has(key) && state.stranger) this.ended.emit(vip);
    this.#watched = seen;
  }

  /** VIPs with an alarm, and the stranger of each. */
  get alarms(): readonly { readonly vip: IpAddress; readonly stranger: MacAddress }[] {
    return [...this.#watched.values()].flatMap(({ vip, state }) =>
      state.stranger ? [{ vip, stranger: state.stranger }] : [],
    );
  }

  #step(watched: Watched, event: DefenceEvent, nowMs: number): void {
    const { timing = DEFENCE_TIMING, announce } = this.#options;
    const isOurs = (mac: MacAddress) => this.#options.isOurs(mac);
    const [state, actions] = stepDefence(watched.state, event, { nowMs, timing, isOurs });
    watched.state = state;
    for (const action of actions) {
      if (action.type === 'announce') announce(watched.vip);
      else if (action.type === 'raise-alarm') this.raised.emit(watched.vip, action.mac);
      else this.ended.emit(watched.vip);
    }
  }
}

// Of several claims since the last look the last one counts. Fewer than before: the VIP was withdrawn and taken again
// in between.
function eventOf(row: VipCounters, { claims }: Watched): DefenceEvent {
  const isNew = row.claims > claims || (row.claims < claims && row.claims > 0);
  return isNew && row.claimant ? { type: 'claim', mac: row.claimant } : { type: 'time' };
}
