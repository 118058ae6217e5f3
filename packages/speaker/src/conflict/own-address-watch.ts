// SPDX-License-Identifier: Apache-2.0
/**
 * Looks now and then for addresses of pools that no probe would find: of this node, of its gateways, and outside of its
 * subnets.
 */
import type { AddressConflict, NamePattern, PoolCatalog, PoolConfig } from '@berth/core';
import type { LinkState, NeighborTables } from '@berth/link';
import { type Clock, errorFields, type Log, Signal, type Timer } from '@berth/runtime';
import {
  entriesOutside,
  type Gateway,
  gatewaysOf,
  type OutsideEntry,
  ownAddressConflicts,
} from '../layer2/own-addresses.ts';

/** How often it looks, in milliseconds. */
const LOOK_MS = 5_000;

export interface OwnAddressWatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Interfaces whose addresses are not looked at. */
  readonly excluded: readonly NamePattern[];
  links(): readonly LinkState[];
  /** Names of the interfaces on which this node takes part. */
  joined(): ReadonlySet<string>;
  config(): PoolConfig;
  pools(): PoolCatalog;
  /** What the kernel knows of neighbours and routes. */
  readTables(): Promise<NeighborTables>;
}

export class OwnAddressWatch {
  readonly name = 'own addresses';
  /** {@link gateways} are others. */
  readonly gatewayNews = new Signal();
  /** {@link conflicts} are others. */
  readonly news = new Signal();
  readonly #options: OwnAddressWatchOptions;
  #conflicts: readonly AddressConflict[] = [];
  #gateways: readonly Gateway[] = [];
  #outside: readonly OutsideEntry[] = [];
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: OwnAddressWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#lookAtSubnets();
    void this.#lookAtOwn();
    this.#timer = this.#options.clock.after(LOOK_MS, () => this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Learns the gateways, before anything is answered. */
  async learn(): Promise<void> {
    const tables = await this.#tables();
    if (tables) this.#takeGateways(gatewaysOf(tables, this.#options.links()));
  }

  /** Addresses of pools that are this node's, its gateways' or an end of a subnet. */
  get conflicts(): readonly AddressConflict[] {
    return this.#conflicts;
  }

  /** The next hops of this node's default routes. */
  get gateways(): readonly Gateway[] {
    return this.#gateways;
  }

  /** Entries of pools that lie in no subnet of this node's segments. */
  get outside(): readonly OutsideEntry[] {
    return this.#outside;
  }

  #lookAtSubnets(): void {
    const { links, joined, config, log } = this.#options;
    const names = joined();
    const used = links().filter(({ name }) => names.has(name));
    // Without a segment nothing can be said.
    const outside = used.length === 0 ? [] : entriesOutside(config(), used);
    const isKnown = ({ pool, entry }: OutsideEntry) =>
      this.#outside.some((one) => one.pool === pool && one.entry === entry);
    for (const one of outside)
      if (!isKnown(one)) log.warn('pool has addresses outside every subnet of this node’s segments', { ...one });
    this.#outside = outside;
  }

  // Without the kernel's word what was found last stands.
  async #lookAtOwn(): Promise<void> {
    const { excluded, links, pools } = this.#options;
    const tables = await this.#tables();
    if (tables === undefined || this.#isStopped) return;
    const all = links();
    this.#takeGateways(gatewaysOf(tables, all));
    const looked = all.filter(({ name }) => !excluded.some((one) => one.test(name)));
    this.#takeOwn(ownAddressConflicts(pools(), looked, this.#gateways));
  }

  #tables(): Promise<NeighborTables | undefined> {
    return this.#options.readTables().catch((error: unknown) => {
      this.#options.log.warn('gateways are not known', errorFields(error));
      return undefined;
    });
  }

  #takeGateways(gateways: readonly Gateway[]): void {
    const before = this.#gateways.map(({ address }) => String(address)).join();
    this.#gateways = gateways;
    if (gateways.map(({ address }) => String(address)).join() !== before) this.gatewayNews.emit();
  }

  #takeOwn(found: ReturnType<typeof ownAddressConflicts>): void {
    const { log, clock } = this.#options;
    const known = new Map(this.#conflicts.map((one) => [String(one.vip), one]));
    const sinceSeconds = Math.floor(clock.date().getTime() / 1000);
    const isSame = found.length === known.size && found.every(({ vip }) => known.has(String(vip)));
    this.#conflicts = found.map((one) => ({ sinceSeconds, ...known.get(String(one.vip)), ...one }));
    if (isSame) return;
    for (const { vip, interface: ifname } of found)
      log.warn('pool has an address of this node or of its gateway', { vip: String(vip), interface: ifname });
    this.news.emit();
  }
}
