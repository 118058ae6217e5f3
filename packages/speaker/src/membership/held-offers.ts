// SPDX-License-Identifier: Apache-2.0
/**
 * Offers of hand-overs that wait. The state machine offers a VIP at each tick, and takes an order or a move for balance
 * back when no one took it in time; what was not offered yet was refused by no one, and an order is then given anew.
 */
import type { HeartbeatBody, IpAddress, MembershipReport, MembershipState } from '@berth/core';

type HandOvers = MembershipState['handOvers'];
/** Whether a VIP may be offered now; `isOnlyUnbroken`: it is not worth a broken connection. */
export type MayOffer = (vip: IpAddress, to: string, isOnlyUnbroken: boolean) => boolean;

type Refused = Extract<MembershipReport, { kind: 'move-refused' }>;

export class HeldOffers {
  readonly #mayOffer: MayOffer;
  /** Texts of VIPs whose offer waits. */
  readonly #held = new Set<string>();
  #handOvers: HandOvers = new Map();
  /** Why VIPs were handed over that the last step took back. */
  #takenBack: ReadonlyMap<string, string> = new Map();

  constructor(mayOffer: MayOffer) {
    this.#mayOffer = mayOffer;
  }

  /** To be called after each step, before its actions are carried out. */
  follow(before: HandOvers, after: HandOvers): void {
    if (before === after) return;
    this.#handOvers = after;
    this.#takenBack = new Map([...before].filter(([vip]) => !after.has(vip)).map(([vip, { why }]) => [vip, why]));
    for (const vip of this.#held) if (!after.has(vip) && !this.#takenBack.has(vip)) this.#held.delete(vip);
  }

  /** A body with the offers that may go out; undefined where it had nothing else. */
  without(body: HeartbeatBody): HeartbeatBody | undefined {
    if (body.offers === undefined || body.offers.length === 0) return body;
    const offers = body.offers.filter(({ vip, to }) => {
      const key = String(vip);
      const mayGo = this.#mayOffer(vip, to, this.#handOvers.get(key)?.isOnlyUnbroken === true);
      this.#held[mayGo ? 'delete' : 'add'](key);
      return mayGo;
    });
    if (offers.length === 0) return undefined;
    return offers.length === body.offers.length ? body : { ...body, offers };
  }

  /** What becomes of a report: it is passed on, or what was to be moved is ordered again, or nothing. */
  fateOf(report: MembershipReport): 'passed on' | { readonly again: Refused | undefined } {
    if (report.kind !== 'move-refused' || report.why !== 'not-taken') return 'passed on';
    const vip = String(report.vip);
    if (!this.#held.delete(vip)) return 'passed on';
    // Moves for balance are tried again by themselves.
    return { again: this.#takenBack.get(vip) === 'order' ? report : undefined };
  }
}
