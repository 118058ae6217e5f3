// SPDX-License-Identifier: Apache-2.0
/**
 * Puts together what keeps addresses of strangers from being used: probing ahead, first use, defence, the self-test.
 */
import { type AddressConflict, IpAddress, type MacAddress, type NotAnnounced, wasAnnounced } from '@berth/core';
import type { Service, StoreEvent } from '@berth/kube';
import { AddressProber, ClaimReceiver, type NeighborTables, readNeighbors } from '@berth/link';
import { errorFields, Signal, type Timer } from '@berth/runtime';
import type { Cluster } from '../cluster/cluster.ts';
import { kubeServiceOf } from '../cluster/trim.ts';
import type { ProcessParts } from '../config.ts';
import type { Lan } from '../layer2/lan.ts';
import type { Gateway, OutsideEntry } from '../layer2/own-addresses.ts';
import type { Segment } from '../layer2/segments.ts';
import type { ServedVips } from '../layer2/served-vips.ts';
import type { MemberMacs } from '../membership/member-macs.ts';
import type { Memberships } from '../membership/memberships.ts';
import { nodeWithMac } from '../membership/node-with-mac.ts';
import { AddressClearance } from './address-clearance.ts';
import type { Urgency } from './clearance-entry.ts';
import { Defence } from './defence.ts';
import { FirstUse } from './first-use.ts';
import { OwnAddressWatch } from './own-address-watch.ts';
import { ProbingAhead } from './probing-ahead.ts';
import { Reachability } from './reachability.ts';

/** Several states that are found at one moment are acted on together, after this time in milliseconds. */
const GATHER_MS = 5;

export interface AddressGuardParts extends ProcessParts {
  readonly cluster: Pick<Cluster, 'watches' | 'pools' | 'events'>;
  readonly lan: Pick<Lan, 'links' | 'wire' | 'responder'>;
  readonly memberships: Memberships;
  /** Which MAC addresses are the cluster's own. */
  readonly macs: MemberMacs;
  readonly served: Pick<ServedVips, 'now'>;
}

/** What asks and listens on the wire. */
export interface GuardWire {
  readonly prober: Pick<AddressProber, 'probe' | 'resolve' | 'stop'>;
  readonly receiver: Pick<ClaimReceiver, 'listen' | 'close'>;
  readTables(): Promise<NeighborTables>;
}

/** The guard of this node, with sockets of its own that are opened when they are needed. */
export function openAddressGuard(parts: AddressGuardParts): AddressGuard {
  const { clock, macs } = parts;
  const receiver = new ClaimReceiver({ clock });
  const prober = new AddressProber({ clock, random: Math.random, isMember: (mac) => macs.isOurs(mac), receiver });
  return new AddressGuard(parts, { prober, receiver, readTables: () => readNeighbors() });
}

export class AddressGuard {
  readonly name = 'address guard';
  /** A VIP may be answered from now on. */
  readonly clearances = new Signal();
  /** {@link AddressGuard.gateways} are others. */
  readonly gatewayNews = new Signal();
  /** What {@link AddressGuard.conflicts} or {@link AddressGuard.notAnnounced} say has changed. */
  readonly news = new Signal();
  /** Membership as the speaker is to see it. */
  readonly firstUse: FirstUse;
  readonly reachability: Reachability;
  readonly #parts: AddressGuardParts;
  readonly #wire: GuardWire;
  readonly #macs: MemberMacs;
  readonly #clearance: AddressClearance;
  readonly #ahead: ProbingAhead;
  readonly #defence: Defence;
  readonly #own: OwnAddressWatch;
  #usedByStrangers = 0;
  #gathering: Timer | undefined;

  constructor(parts: AddressGuardParts, wire: GuardWire) {
    const { config, clock, log, cluster, lan, memberships, macs } = parts;
    const { nodeName } = config;
    const joined = () => memberships.loops;
    this.#parts = parts;
    this.#macs = macs;
    this.#wire = wire;
    this.#clearance = this.#newClearance();
    this.firstUse = new FirstUse({ memberships, joined, clearance: this.#clearance });
    this.#ahead = new ProbingAhead({
      ...{ clock, joined, nodeName, clearance: this.#clearance, receiver: wire.receiver },
      config: () => cluster.pools.config,
      taken: () => [...cluster.watches.services.values()].flatMap(addressesOf),
    });
    this.#defence = new Defence({
      ...{ clock, log, nodeName, events: cluster.events, services: cluster.watches.services },
      responder: lan.responder,
      segments: () => lan.wire.segments,
      isOurs: (mac) => macs.isOurs(mac),
      served: () => parts.served.now,
    });
    this.#own = new OwnAddressWatch({
      ...{ clock, log, excluded: config.excludedInterfaces },
      links: () => lan.links.list(),
      joined: () => new Set(joined().map(({ segment }) => segment.ifname)),
      config: () => cluster.pools.config,
      pools: () => this.#ahead.pools,
      readTables: wire.readTables,
    });
    this.reachability = new Reachability({ nodeName, clock, log, cluster, memberships, prober: wire.prober });
    this.#own.gatewayNews.subscribe(() => this.gatewayNews.emit());
    for (const { news } of [this.#defence, this.#own, this.reachability]) news.subscribe(() => this.news.emit());
    cluster.watches.services.subscribe((event) => this.#serviceChanged(event));
  }

  start(): void {
    this.#ahead.start();
    this.#defence.start();
    this.reachability.start();
    this.#macs.start();
    this.#own.start();
  }

  /** Learns the gateways, before anything is answered. */
  learn(): Promise<void> {
    return this.#own.learn();
  }

  stop(): void {
    this.#own.stop();
    this.#macs.stop();
    this.#gathering?.cancel();
    this.reachability.stop();
    this.#defence.stop();
    this.#ahead.stop();
    this.#wire.prober.stop();
    this.#clearance.stop();
    this.#wire.receiver.close();
  }

  /** Pools, Services or segments have changed. */
  changed(): void {
    this.#ahead.changed();
  }

  /** Strangers that use an address of a pool or a VIP, as far as this node knows. */
  conflicts(): AddressConflict[] {
    return [...this.#clearance.conflicts(), ...this.#own.conflicts, ...this.#defence.conflicts()];
  }

  /** VIPs that this node owns and does not answer for yet. */
  notAnnounced(): readonly NotAnnounced[] {
    return this.firstUse.waiting;
  }

  /** Whether a MAC address is this node's, a member's or another node's. */
  isOurs(mac: MacAddress): boolean {
    return this.#macs.isOurs(mac);
  }

  /** The next hops of this node's default routes. */
  get gateways(): readonly Gateway[] {
    return this.#own.gateways;
  }

  /** Entries of pools that lie in no subnet of this node's segments. */
  get outside(): readonly OutsideEntry[] {
    return this.#own.outside;
  }

  /** What was counted since the start. */
  get counts(): Readonly<{ defences: number; before: number; inUse: number }> {
    const { defences, alarms } = this.#defence.counts;
    return { defences, before: this.#usedByStrangers, inUse: alarms };
  }

  /** Addresses that were probed since the start, by who waited for it. */
  get probes(): Readonly<Record<Urgency, number>> {
    return this.#clearance.questions;
  }

  /** Addresses of pools that may be used without a probe, on one interface each. */
  get ready(): number {
    return this.#clearance.clear;
  }

  #newClearance(): AddressClearance {
    const { clock, log } = this.#parts;
    const clearance = new AddressClearance({
      ...{ clock, prober: this.#wire.prober },
      isOurs: (mac) => this.#macs.isOurs(mac),
      isNode: (mac, segment) => this.#isNode(mac, segment),
    });
    clearance.changes.subscribe(() => this.#gather());
    clearance.found.subscribe(({ vip, interface: ifname, mac }) => {
      this.#usedByStrangers += 1;
      log.warn('address is used by a stranger', { vip: String(vip), interface: ifname, mac: String(mac) });
    });
    clearance.unprobed.subscribe((vip, { ifname }, error) =>
      log.warn('VIP is answered without a probe', { vip: String(vip), interface: ifname, ...errorFields(error) }),
    );
    return clearance;
  }

  async #isNode(mac: MacAddress, { ifindex, mac: own, ifname }: Segment): Promise<boolean> {
    const { cluster, lan, log, config, clock } = this.#parts;
    const others = [...cluster.watches.nodes.values()].filter(({ metadata }) => metadata.name !== config.nodeName);
    const node = await nodeWithMac(mac, others, {
      ...{ clock, ifindex, mac: own },
      addresses: lan.links.list().find(({ index }) => index === ifindex)?.addresses ?? [],
    });
    if (node === undefined) return false;
    // It stays no member: what it says of an address counts, or this node would answer beside it.
    log.info('a node answers whose heartbeats are not heard', { interface: ifname, node, mac: String(mac) });
    return true;
  }

  #gather(): void {
    this.#gathering ??= this.#parts.clock.after(GATHER_MS, () => {
      this.#gathering = undefined;
      this.clearances.emit();
      this.news.emit();
    });
  }

  // A VIP that was in use until a moment ago is clear for the next Service.
  #serviceChanged(event: StoreEvent<Service>): void {
    const before = event.type === 'updated' ? event.previous : event.type === 'deleted' ? event.object : undefined;
    if (!before?.status?.loadBalancer) return;
    const now = event.type === 'updated' ? addressesOf(event.object) : [];
    const nowMs = this.#parts.clock.date().getTime();
    const wasUsed = (vip: IpAddress) => wasAnnounced(kubeServiceOf(before), vip, nowMs);
    for (const vip of addressesOf(before)) {
      const isGone = !now.some((one) => one.equals(vip));
      if (isGone && (wasUsed(vip) || this.firstUse.hasAnswered(vip))) this.#clearance.trust(vip);
    }
  }
}

/** By the object in the store, which is another one after each change. */
const addressesKnown = new WeakMap<Service, readonly IpAddress[]>();

function addressesOf(service: Service): readonly IpAddress[] {
  const known = addressesKnown.get(service);
  if (known) return known;
  const addresses = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => {
    const address = IpAddress.parse(ip ?? '');
    return address.ok ? address.value : [];
  });
  addressesKnown.set(service, addresses);
  return addresses;
}
