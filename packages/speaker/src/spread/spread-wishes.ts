// SPDX-License-Identifier: Apache-2.0
/**
 * Which VIPs are to be served by every node, and with how much weight this node can: what the cluster asks for, and
 * what kube-proxy says here.
 */
import type { ServiceKey, SpreadState } from '@berth/core';
import type { Service } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import { type AskHealthPort, LocalEndpoints } from './local-endpoints.ts';
import { type ServedEverywhere, type ServeWish, servedByOwners, serveWishes } from './served-services.ts';
import { WindDown } from './wind-down.ts';

export interface SpreadWishesOptions {
  readonly clock: Clock;
  /** What the cluster wants announced. */
  wanted(): readonly WantedVip[];
  serviceOf(key: ServiceKey): Service | undefined;
  /** Addresses of this node at which kube-proxy may tell of endpoints. */
  ownAddresses(): readonly string[];
  readonly askHealthPort?: AskHealthPort;
}

export class SpreadWishes {
  readonly #options: SpreadWishesOptions;
  readonly #local: LocalEndpoints;
  readonly #windDown: WindDown;
  #all: ReadonlyMap<string, ServeWish> = new Map();
  #everywhere: ReadonlyMap<string, ServedEverywhere> = new Map();
  /** What owners serve, by what the cluster wanted when that was asked for. */
  #servedByOwners:
    | { readonly wanted: readonly WantedVip[]; readonly vips: ReadonlyMap<string, ServedEverywhere> }
    | undefined;

  /** `onWeight`: this node has other endpoints. */
  constructor(options: SpreadWishesOptions, onWeight: () => void) {
    const { clock, askHealthPort, ownAddresses } = options;
    this.#options = options;
    this.#windDown = new WindDown(clock);
    this.#local = new LocalEndpoints({
      clock,
      hosts: ownAddresses,
      ...(askHealthPort && { ask: askHealthPort }),
      onChange: onWeight,
    });
  }

  /** All VIPs that ask for it, by their text. */
  get all(): ReadonlyMap<string, ServeWish> {
    return this.#all;
  }

  /**
   * Those that tables are needed for, also those that nobody asks for any more while other nodes have flows of them.
   */
  get everywhere(): ReadonlyMap<string, ServedEverywhere> {
    return this.#everywhere;
  }

  /** Looks at the cluster anew. `isRunning`: VIPs may have flows on other nodes. */
  follow(isRunning: boolean): void {
    const { wanted, serviceOf } = this.#options;
    const all = wanted();
    this.#all = serveWishes(all, serviceOf);
    this.#servedByOwners = undefined;
    const asked = [...this.#all.values()].flatMap((wish) => (wish.everywhere ? [wish.vip] : []));
    const isNothing = asked.length === 0 && this.#everywhere.size === 0 && !this.#windDown.hasAny;
    if (isNothing) return;
    const now = (vip: string) => (isRunning || this.#windDown.isBusy(vip) ? this.byOwners.get(vip) : undefined);
    this.#everywhere = this.#windDown.follow(asked, now);
    this.#local.follow(new Set(asked.flatMap(({ healthPorts }) => healthPorts)));
  }

  /** Whether flows that nobody asks to be spread any more have ended; then {@link SpreadWishes.follow} finds less. */
  hasSettled(segments: readonly { readonly state: SpreadState }[]): boolean {
    return this.#windDown.settle(segments);
  }

  /**
   * A VIP moves on purpose, or its owner says so: flows of it live elsewhere, or soon will. Returns whether {@link
   * SpreadWishes.follow} finds more now.
   */
  keep(vip: string): boolean {
    return this.#windDown.keep(vip, (text) => this.byOwners.get(text));
  }

  /** Whether a VIP could be kept that moves: of thousands only so many are. */
  hasRoomFor(vip: string): boolean {
    return this.#windDown.hasRoomFor(vip);
  }

  /** Whether flows of VIPs live elsewhere that their owners serve alone, or will. */
  get hasMoves(): boolean {
    return this.#windDown.hasAny;
  }

  /** What moves is not kept: {@link SpreadWishes.follow} finds less now. */
  forgetMoves(): void {
    this.#windDown.forgetMoves();
  }

  /** All VIPs that are announced, as their owners serve them. */
  get byOwners(): ReadonlyMap<string, ServedEverywhere> {
    const { wanted, serviceOf } = this.#options;
    const all = wanted();
    if (this.#servedByOwners?.wanted !== all)
      this.#servedByOwners = { wanted: all, vips: servedByOwners(all, serviceOf) };
    return this.#servedByOwners.vips;
  }

  /** Whether the owner takes the new flows alone since nobody asks for more. */
  isWindingDown(vip: string): boolean {
    return this.#windDown.has(vip);
  }

  /** Grows whenever this node has other endpoints. */
  get endpointNews(): number {
    return this.#local.news;
  }

  /** By the endpoints of this node; 0: it has none. */
  weightOf({ healthPorts }: ServedEverywhere): number {
    return healthPorts.length === 0 ? 1 : Math.min(...healthPorts.map((port) => this.#local.weightOf(port)));
  }

  stop(): void {
    this.#local.stop();
  }
}
