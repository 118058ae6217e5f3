// SPDX-License-Identifier: Apache-2.0
/** Puts together what keeps addresses of strangers from being used: probing, first use, alarms, and what people are told of them. */
import {
  type AddressConflict,
  gratuitousArp,
  IpAddress,
  type NotAnnounced,
  unsolicitedAdvertisement,
} from '@berth/core';
import { errorFields, type Log } from '@berth/daemon';
import { type Service, type StoreEvent, systemClock, type Timer } from '@berth/kube';
import { AddressProber, ClaimEars, readNeighbors } from '@berth/link';
import { AddressClearance } from './address-clearance.ts';
import type { Urgency } from './clearance-entry.ts';
import type { Cluster } from './cluster.ts';
import type { SpeakerConfig } from './config.ts';
import { ConflictAlarms } from './conflict-alarms.ts';
import { FirstUse } from './first-use.ts';
import type { Lan } from './lan.ts';
import { MemberMacs } from './member-macs.ts';
import type { Memberships } from './memberships.ts';
import { entriesOutside, gatewaysOf, type OutsideEntry, ownAddressConflicts } from './own-addresses.ts';
import { ProbingAhead } from './probing-ahead.ts';
import { Reachability } from './reachability.ts';
import { tellConflicts } from './tell-conflicts.ts';
import { wasUsed } from './trim.ts';
import type { ServedVip } from './wire.ts';

/** Several verdicts of one moment are acted on together, after this time in milliseconds. */
const GATHER_MS = 5;
/** How often members are noted and own addresses looked at, in milliseconds. */
const NOTE_MS = 5_000;

export interface AddressGuardParts {
  readonly config: SpeakerConfig;
  readonly log: Log;
  readonly cluster: Cluster;
  readonly lan: Lan;
  readonly memberships: Memberships;
  served(): readonly ServedVip[];
  /** A VIP may be answered from now on. */
  onCleared(): void;
  /** What {@link AddressGuard.conflicts} or {@link AddressGuard.notAnnounced} say has changed. */
  onNews(): void;
}

export class AddressGuard {
  readonly name = 'address guard';
  /** Membership as the speaker is to see it. */
  readonly firstUse: FirstUse;
  /** What asks on the wire. */
  readonly prober: AddressProber;
  readonly reachability: Reachability;
  readonly #parts: AddressGuardParts;
  readonly #ears = new ClaimEars({ clock: systemClock });
  readonly #macs: MemberMacs;
  readonly #clearance: AddressClearance;
  readonly #ahead: ProbingAhead;
  readonly #alarms: ConflictAlarms;
  readonly #counts = { defences: 0, before: 0, inUse: 0 };
  #own: readonly AddressConflict[] = [];
  #outside: readonly OutsideEntry[] = [];
  #gathering: Timer | undefined;
  #noting: Timer | undefined;

  constructor(parts: AddressGuardParts) {
    const { memberships, lan, cluster } = parts;
    const clock = systemClock;
    const joined = () => memberships.loops;
    const isOurs = (mac: Parameters<MemberMacs['isOurs']>[0]) => this.#macs.isOurs(mac);
    this.#parts = parts;
    this.#macs = new MemberMacs({ clock, joined, own: () => lan.links.list().flatMap(({ mac }) => mac ?? []) });
    this.prober = new AddressProber({ clock, random: Math.random, isMember: isOurs, ears: this.#ears });
    this.#clearance = this.#newClearance(isOurs);
    this.firstUse = new FirstUse({ memberships, joined, clearance: this.#clearance });
    this.#ahead = new ProbingAhead({
      ...{ clock, joined, nodeName: parts.config.nodeName, clearance: this.#clearance, ears: this.#ears },
      config: () => cluster.pools.config,
      taken: () => [...cluster.watches.services.values()].flatMap(addressesOf),
    });
    this.#alarms = this.#newAlarms(isOurs);
    this.reachability = new Reachability({ ...parts, nodeName: parts.config.nodeName, prober: this.prober });
    cluster.watches.services.subscribe((event) => this.#serviceChanged(event));
  }

  start(): void {
    this.#ahead.start();
    this.#alarms.start();
    this.reachability.start();
    this.#note();
  }

  stop(): void {
    this.#noting?.cancel();
    this.#gathering?.cancel();
    this.reachability.stop();
    this.#alarms.stop();
    this.#ahead.stop();
    this.prober.stop();
    this.#clearance.stop();
    this.#ears.close();
  }

  /** Pools, Services or segments have changed. */
  changed(): void {
    this.#ahead.changed();
  }

  /** Strangers that use an address of a pool or a VIP, as far as this node knows. */
  conflicts(): AddressConflict[] {
    return [...this.#clearance.conflicts(), ...this.#own, ...this.#alarms.conflicts()];
  }

  /** VIPs that this node owns and does not answer for yet. */
  notAnnounced(): readonly NotAnnounced[] {
    return this.firstUse.waiting;
  }

  /** Entries of pools that lie in no subnet of this node's segments. */
  get outside(): readonly OutsideEntry[] {
    return this.#outside;
  }

  /** What was counted since the start. */
  get counts(): Readonly<{ defences: number; before: number; inUse: number }> {
    return this.#counts;
  }

  /** Addresses that were probed since the start, by who waited for it. */
  get probes(): Readonly<Record<Urgency, number>> {
    return this.#clearance.questions;
  }

  /** Addresses of pools that may be used without a probe, on one interface each. */
  get ready(): number {
    return this.#clearance.clear;
  }

  #newClearance(isOurs: MemberMacs['isOurs']): AddressClearance {
    const { log } = this.#parts;
    return new AddressClearance({
      ...{ clock: systemClock, prober: this.prober, isOurs },
      onChanged: () => this.#gather(),
      onConflict: ({ vip, interface: ifname, mac }) => {
        this.#counts.before += 1;
        log.warn('address is used by a stranger', { vip: String(vip), interface: ifname, mac: String(mac) });
      },
      onGivenUp: (vip, { ifname }, error) =>
        log.warn('VIP is answered without a probe', { vip: String(vip), interface: ifname, ...errorFields(error) }),
    });
  }

  #newAlarms(isOurs: MemberMacs['isOurs']): ConflictAlarms {
    const { lan, log, cluster, config, served, onNews } = this.#parts;
    const tell = tellConflicts({ log, ...cluster, services: cluster.watches.services, nodeName: config.nodeName });
    return new ConflictAlarms({
      ...{ clock: systemClock, isOurs, served },
      claimed: () => lan.responder.vipCounters('claimed'),
      defend: (vip, ifname) => this.#defend(vip, ifname),
      onAlarm: (conflict, vip) => {
        this.#counts.inUse += 1;
        tell.alarm(conflict, vip);
        onNews();
      },
      onEnded: (conflict, vip) => {
        tell.ended(conflict, vip);
        onNews();
      },
    });
  }

  // Both forms, as with every announcement: some hosts heed only one of them.
  #defend(vip: IpAddress, ifname: string): void {
    const { lan, log } = this.#parts;
    const segment = lan.wire.segments.find((one) => one.ifname === ifname);
    if (!segment) return;
    const { mac, ifindex } = segment;
    const frames =
      vip.family === 'IPv6'
        ? [unsolicitedAdvertisement(vip, mac)]
        : (['request', 'reply'] as const).map((form) => gratuitousArp(form, vip, mac));
    this.#counts.defences += 1;
    try {
      for (const frame of frames) lan.responder.announce(ifindex, frame);
    } catch (error) {
      log.warn('VIP not defended', { vip: String(vip), interface: ifname, ...errorFields(error) });
    }
  }

  #gather(): void {
    this.#gathering ??= systemClock.after(GATHER_MS, () => {
      this.#gathering = undefined;
      this.#parts.onCleared();
      this.#parts.onNews();
    });
  }

  #note(): void {
    this.#macs.note();
    this.#lookAtSubnets();
    void this.#lookAtOwn();
    this.#noting = systemClock.after(NOTE_MS, () => this.#note());
  }

  #lookAtSubnets(): void {
    const { cluster, lan, memberships, log } = this.#parts;
    const names = new Set(memberships.loops.map(({ segment }) => segment.ifname));
    const links = lan.links.list().filter(({ name }) => names.has(name));
    // Without a segment nothing can be said.
    const outside = links.length === 0 ? [] : entriesOutside(cluster.pools.config, links);
    const isKnown = ({ pool, entry }: OutsideEntry) =>
      this.#outside.some((one) => one.pool === pool && one.entry === entry);
    for (const one of outside)
      if (!isKnown(one)) log.warn('pool has addresses outside every subnet of this node’s segments', { ...one });
    this.#outside = outside;
  }

  // Without the kernel's word what was found last stands.
  async #lookAtOwn(): Promise<void> {
    const { config, lan, log } = this.#parts;
    const tables = await readNeighbors().catch((error: unknown) => {
      log.warn('gateways are not known', errorFields(error));
      return undefined;
    });
    if (tables === undefined) return;
    const all = lan.links.list();
    const links = all.filter(({ name }) => !config.excludedInterfaces.some((one) => one.test(name)));
    this.#takeOwn(ownAddressConflicts(this.#ahead.pools, links, gatewaysOf(tables, all)));
  }

  #takeOwn(found: ReturnType<typeof ownAddressConflicts>): void {
    const { log, onNews } = this.#parts;
    const known = new Map(this.#own.map((one) => [String(one.vip), one]));
    const sinceSeconds = Math.floor(systemClock.date().getTime() / 1000);
    const isSame = found.length === known.size && found.every(({ vip }) => known.has(String(vip)));
    this.#own = found.map((one) => ({ sinceSeconds, ...known.get(String(one.vip)), ...one }));
    if (isSame) return;
    for (const { vip, interface: ifname } of found)
      log.warn('pool has an address of this node or of its gateway', { vip: String(vip), interface: ifname });
    onNews();
  }

  // A VIP that was in use until a moment ago is clear for the next Service.
  #serviceChanged(event: StoreEvent<Service>): void {
    const before = event.type === 'updated' ? event.previous : event.type === 'deleted' ? event.object : undefined;
    if (!before?.status?.loadBalancer) return;
    const now = event.type === 'updated' ? addressesOf(event.object) : [];
    for (const vip of addressesOf(before)) {
      const isGone = !now.some((one) => one.equals(vip));
      if (isGone && (wasUsed(before, vip) || this.firstUse.hasAnswered(vip))) this.#clearance.trust(vip);
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
