// SPDX-License-Identifier: Apache-2.0

// A cluster with two controllers that both believe to lead, driven by operations; after each of them the invariants are
// looked at from outside: only what the API server holds counts.

import { AssertionError } from 'node:assert';
import {
  type Decision,
  isOurs,
  type KubeLedgerObject,
  type KubeService,
  type Labels,
  loadBalancerClassRule,
  MacAddress,
  type PoolConfig,
  serviceKeyOf,
  usageOf,
} from '@berth/core';
import {
  type Considered,
  disagreementIn,
  FakeApiServer,
  FakeController,
  ip,
  type ServiceSketch,
  serviceOf,
} from '@berth/core/testing';
import { couldBeServed, mayShare, type StoredEntry, termsOfEntry, termsOfService } from './naive-rules.ts';
import { CONTROLLERS, type Operation } from './operations.ts';

/** One or two entries per object, so that histories cross their borders all the time. */
const SEAL_BYTES = 120;

const RULE = loadBalancerClassRule();

/** A controller with what it decided and has not written to a status yet. */
interface Seat {
  controller: FakeController;
  pending: readonly Considered[];
}

export class ModelledCluster {
  readonly #server = new FakeApiServer();
  readonly #seats: Seat[];
  readonly #configs: readonly PoolConfig[];
  #config: PoolConfig;
  #namespaces: ReadonlyMap<string, Labels> = new Map();
  #nowMs = 0;
  #versions = 0;
  /** What each Service showed when its own wishes last changed; from then on what it shows may only grow. */
  readonly #settledOn = new Map<string, readonly string[]>();
  /** What another product gave to a Service to which Berth had given nothing. */
  readonly #foreign = new Map<string, readonly string[]>();
  /** Services into whose status another product wrote. */
  readonly #writtenByOthers = new Set<string>();
  /**
   * Services that had the class of another product, its address and nothing from Berth, so that the finalizer may be
   * that product's.
   */
  readonly #leftToOthers = new Set<string>();
  /** What another product wrote back into the status of a Service that goes, after Berth's own address had left it. */
  readonly #writtenBack = new Map<string, readonly string[]>();
  /** A copy of the ledger that somebody made. */
  #backup: ReadonlyMap<string, KubeLedgerObject> = new Map();

  constructor(configs: readonly [PoolConfig, ...PoolConfig[]]) {
    this.#configs = configs;
    this.#config = configs[0];
    this.#seats = Array.from({ length: CONTROLLERS }, () => this.#newSeat());
  }

  run(operation: Operation): void {
    this.#apply(operation);
    this.#noteLeftToOthers();
    this.#checkNoVipTwice();
    this.#checkForeign();
    this.#checkNeverRenumbered();
    this.#checkDerivedState();
  }

  /** One controller alone brings everything to rest, then all that waits must wait for a reason. */
  settle(): void {
    this.#seats[1] = this.#newSeat();
    const seat = this.#newSeat();
    this.#seats[0] = seat;
    seat.controller.restart();
    seat.controller.writeLedger();
    const decisions = seat.controller.settle();
    this.#checkRest(decisions);
  }

  #apply(operation: Operation): void {
    switch (operation.kind) {
      case 'create':
        if (!this.#server.services.has(operation.key)) this.#put(operation.key, operation.sketch);
        break;
      case 'edit':
        if (this.#server.services.has(operation.key)) this.#put(operation.key, operation.sketch);
        break;
      case 'delete':
        this.#server.remove(operation.key);
        if (!this.#server.services.has(operation.key)) this.#forget(operation.key);
        break;
      case 'label':
        this.#edit(operation.key, (metadata) => ({ ...metadata, labels: { tier: operation.tier } }));
        break;
      case 'renumber':
        this.#renumber(operation.key);
        break;
      case 'configure':
        this.#config = this.#configs[operation.config] ?? this.#config;
        this.#tellControllers();
        break;
      case 'namespace':
        this.#namespaces = new Map([['ops', { team: operation.team }]]);
        this.#tellControllers();
        break;
      case 'time':
        this.#nowMs += operation.seconds * 1000;
        for (const { controller } of this.#seats) controller.nowMs = this.#nowMs;
        break;
      case 'foreign':
        this.#writeForeign(operation.key, operation.addresses);
        break;
      case 'settle':
        this.settle();
        break;
      case 'back up ledger':
        this.#backup = new Map(this.#server.ledger);
        break;
      case 'lose ledger':
        this.#damage((ledger) => ledger.clear());
        break;
      case 'put back ledger':
        this.#damage((ledger) => {
          ledger.clear();
          for (const [name, object] of this.#backup) ledger.set(name, this.#renewed(object));
        });
        break;
      case 'lose object':
      case 'empty object':
        this.#damage((ledger) => {
          const [name, object] = [...ledger][operation.index % Math.max(1, ledger.size)] ?? [];
          if (name === undefined || object === undefined) return;
          if (operation.kind === 'lose object') ledger.delete(name);
          else ledger.set(name, this.#renewed({ ...object, data: {} }));
        });
        break;
      default:
        this.#applyToSeat(operation);
    }
  }

  #applyToSeat(operation: Extract<Operation, { controller: number }>): void {
    const seat = this.#seats[operation.controller];
    if (seat === undefined) return;
    switch (operation.kind) {
      case 'observe':
        seat.controller.observe();
        break;
      case 'decide':
        this.#decide(seat, operation.keys);
        break;
      case 'quarantine':
      case 'release':
        this.#quarantine(seat, operation);
        break;
      case 'refuse status':
        seat.pending = seat.pending.filter(({ service }) => serviceKeyOf(service ?? {}) !== operation.key);
        break;
      case 'refuse ledger':
        // Whether the server made a write that failed is not known, so a controller begins anew.
        for (const key of operation.keys) seat.controller.consider(key);
        seat.controller.restart();
        seat.pending = [];
        break;
      case 'write status':
        for (const considered of seat.pending) seat.controller.writeStatus(considered);
        seat.pending = [];
        break;
      case 'crash':
        if (operation.isInLedgerWrite) this.#writeHalf(seat);
        this.#seats[operation.controller] = this.#newSeat();
        break;
    }
  }

  /** A batch: decisions, then the ledger; its statuses are written by a later operation, or never. */
  #decide(seat: Seat, keys: readonly string[]): void {
    const considered = keys.map((key) => seat.controller.consider(key));
    seat.pending = seat.controller.writeLedger() === 'written' ? considered : [];
  }

  /**
   * What a node says becomes durable, unless a Service is settled on the address or had it before Berth: then it is an
   * alarm and nothing more.
   */
  #quarantine(
    { controller }: Seat,
    { kind, address: text }: { readonly kind: string; readonly address: string },
  ): void {
    const address = ip(text);
    const holders = controller.allocator.table.get(address)?.holders ?? [];
    if (kind === 'release') controller.allocator.endQuarantine(address);
    else if (!holders.some(({ service }) => this.#settledOn.has(service) || this.#foreign.has(service))) {
      controller.allocator.quarantine(address, { mac: MacAddress.ZERO, node: 'n1', interface: 'eth0', sinceMs: 0 });
    }
    controller.writeLedger();
  }

  /** Until the ledger is made whole again no status is covered by it: the invariants hold again when that is done. */
  #damage(change: (ledger: Map<string, KubeLedgerObject>) => void): void {
    this.#forgiveMisfits();
    change(this.#server.ledger);
    this.#forgiveQuarantined();
    this.settle();
  }

  /** A quarantine of an old ledger takes away what was never announced: GR-07. */
  #forgiveQuarantined(): void {
    for (const [address, { quarantine }] of this.#ledger()) {
      if (quarantine === undefined) continue;
      for (const [key, shown] of this.#settledOn) if (shown.includes(address)) this.#settledOn.delete(key);
    }
  }

  #renewed(object: KubeLedgerObject): KubeLedgerObject {
    this.#versions += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: `restored-${this.#versions}` } };
  }

  /** The process ends after the first of the ledger writes of its draft. */
  #writeHalf({ controller }: Seat): void {
    for (const key of controller.keys()) controller.consider(key);
    const [first] = controller.allocator.writes();
    if (first !== undefined) this.#server.writeLedger(first);
  }

  #put(key: string, sketch: ServiceSketch): void {
    const [namespace = '', name = ''] = key.split('/');
    const fresh = serviceOf(name, { ...sketch, namespace });
    const present = this.#server.services.get(key);
    if (present?.metadata?.deletionTimestamp !== undefined) return;
    this.#foreign.delete(key);
    if (present === undefined) {
      this.#writtenBack.delete(key);
      this.#server.put(fresh);
    } else {
      const metadata = {
        ...present.metadata,
        annotations: { ...present.metadata?.annotations, ...fresh.metadata?.annotations },
      };
      const { status = {} } = present;
      this.#server.edit(key, () => ({ ...fresh, metadata, status }));
    }
    this.#foreign.delete(key);
    this.#settledOn.delete(key);
  }

  #writeForeign(key: string, addresses: readonly string[]): void {
    const service = this.#server.services.get(key);
    if (service?.spec?.type !== 'LoadBalancer') return;
    const ingress = addresses.map((text) => ({ ip: text, ipMode: 'VIP' }));
    // Who sees the status empty frees the address, and cannot know that somebody is about to write it there again.
    const isBack = (address: string) => givenBy(service).includes(address) && !shownBy(service).includes(address);
    const standing = this.#writtenBack.get(key) ?? [];
    this.#writtenBack.set(key, isLive(service) ? [] : [...standing, ...addresses.filter(isBack)]);
    this.#server.edit(key, (present) => ({ ...present, status: { ...present.status, loadBalancer: { ingress } } }));
    this.#settledOn.delete(key);
    this.#writtenByOthers.add(key);
    // Whoever asks Berth for another address gets it in place of one that is taken over.
    if (addresses.length > 0 && givenBy(service).length === 0 && !hasWishes(service)) this.#foreign.set(key, addresses);
    else this.#foreign.delete(key);
  }

  #edit(key: string, change: (metadata: KubeService['metadata']) => KubeService['metadata']): void {
    this.#server.edit(key, (service) => ({ ...service, metadata: change(service.metadata) ?? {} }));
  }

  #renumber(key: string): void {
    const shown = shownBy(this.#server.services.get(key));
    if (shown.length === 0) return;
    this.#foreign.delete(key);
    this.#edit(key, (metadata) => ({
      ...metadata,
      annotations: { ...metadata?.annotations, 'berth.dev/renumber': shown.join() },
    }));
    this.#settledOn.delete(key);
  }

  /** Without a ledger no one knows which of two that no longer fit together was edited: either may have to go. */
  #forgiveMisfits(): void {
    const all = [...this.#server.services];
    for (const [key, service] of all) {
      const sharers = all.filter(([, other]) => shownBy(other).some((address) => shownBy(service).includes(address)));
      const isMisfit = ([other, each]: (typeof all)[number]) =>
        other !== key && !mayShare(termsOfService(each), termsOfService(service));
      if (sharers.some(isMisfit)) this.#settledOn.delete(key);
    }
  }

  #forget(key: string): void {
    this.#writtenByOthers.delete(key);
    this.#writtenBack.delete(key);
  }

  #noteLeftToOthers(): void {
    for (const [key, service] of this.#server.services) {
      if (!this.#isForeign(key)) this.#leftToOthers.delete(key);
      else if (!isOurs(service, RULE)) this.#leftToOthers.add(key);
    }
    for (const key of this.#leftToOthers) if (!this.#server.services.has(key)) this.#leftToOthers.delete(key);
  }

  #tellControllers(): void {
    const surroundings = { config: this.#config, namespaces: this.#namespaces };
    for (const { controller } of this.#seats) controller.configure(surroundings);
  }

  #newSeat(): Seat {
    const surroundings = { config: this.#config, namespaces: this.#namespaces };
    const controller = new FakeController(this.#server, surroundings, { sealBytes: SEAL_BYTES });
    controller.nowMs = this.#nowMs;
    controller.restart();
    return { controller, pending: [] };
  }

  /** Invariant 1: an address has one entry, its holders may share it, and whoever shows it holds it. */
  #checkNoVipTwice(): void {
    const ledger = this.#ledger();
    for (const [address, { services = [] }] of ledger) {
      for (const [index, one] of services.entries()) {
        const clash = services.slice(index + 1).find((other) => !mayShare(termsOfEntry(one), termsOfEntry(other)));
        if (clash !== undefined) fail(`${one.name} and ${clash.name} hold ${address} and may not share it`);
      }
    }
    for (const [key, service] of this.#server.services) {
      for (const address of shownBy(service).filter((one) => givenBy(service).includes(one))) {
        const isHolder = ledger.get(address)?.services?.some(({ name }) => name === key);
        const isWrittenBack = !isLive(service) && this.#writtenBack.get(key)?.includes(address);
        if (!isHolder && !isWrittenBack) fail(`${key} shows ${address}, which the ledger does not give it`);
      }
    }
  }

  /** Invariant 8: what another product gave is taken over as it is, or stays. */
  #checkForeign(): void {
    for (const [key, given] of this.#foreign) {
      const service = this.#server.services.get(key);
      if (service === undefined || !isLive(service)) {
        this.#foreign.delete(key);
        continue;
      }
      const shown = shownBy(service);
      const lost = given.find((address) => !shown.includes(address));
      if (lost !== undefined)
        fail(`${key} lost ${lost}, which another product gave it; it shows ${shown.join() || 'nothing'}`);
    }
  }

  /** Invariant 2: what a Service shows changes only after its own wishes changed; a second family may join. */
  #checkNeverRenumbered(): void {
    for (const key of this.#settledOn.keys()) if (!this.#server.services.has(key)) this.#settledOn.delete(key);
    for (const [key, service] of this.#server.services) {
      if (!isLive(service)) {
        this.#settledOn.delete(key);
        continue;
      }
      const shown = shownBy(service);
      const before = this.#settledOn.get(key);
      const lost = before?.find((address) => !shown.includes(address));
      if (lost !== undefined) fail(`${key} lost ${lost} without asking for it; it shows ${shown.join() || 'nothing'}`);
      if (before !== undefined) this.#settledOn.set(key, shown);
    }
  }

  /** What the allocators derive from their records is what a fresh one derives from the same records. */
  #checkDerivedState(): void {
    for (const { controller } of this.#seats) {
      const message = disagreementIn(controller.allocator.table);
      if (message !== undefined) fail(message);
    }
  }

  #checkRest(decisions: ReadonlyMap<string, Decision>): void {
    const ledger = this.#ledger();
    for (const [address, { services = [] }] of ledger) {
      for (const { name } of services) {
        // What is held for a Service that another product serves stays: a patch that shows it may be on its way.
        const isForeign = this.#isForeign(name);
        if (!isForeign && !shownBy(this.#server.services.get(name)).includes(address))
          fail(`${address} is leaked to ${name}`);
      }
    }
    const situation = {
      ...{ config: this.#config, namespaces: this.#namespaces, ledger, nowMs: this.#nowMs },
      occupied: new Set([...this.#server.services.values()].flatMap(strangersOf)),
    };
    for (const [key, service] of this.#server.services) {
      if (!isLive(service)) {
        // Where another product wrote a status, the finalizer that all share may be that product's.
        if (this.#leftToOthers.has(key)) continue;
        const isOfOthers = !isOurs(service, RULE) && this.#writtenByOthers.has(key);
        if (isOurs(service, RULE) || (!isOfOthers && (service.metadata?.finalizers ?? []).length > 0))
          fail(`${key} is stuck`);
        continue;
      }
      const isPlain = (service.metadata?.annotations?.['berth.dev/loadBalancerIPs'] ?? '') === '';
      const isWaiting = shownBy(service).length === 0;
      if (isWaiting && isPlain && couldBeServed(service, situation)) {
        fail(`${key} waits although there is an address: ${decisions.get(key)?.condition.message}`);
      }
      // From here on it may not lose what it has unless its own wishes change; one that is open may still come true.
      if (decisions.get(key)?.refusal === undefined) this.#settledOn.set(key, shownBy(service));
    }
  }

  #isForeign(key: string): boolean {
    const service = this.#server.services.get(key);
    return service !== undefined && strangersOf(service).length > 0 && givenBy(service).length === 0;
  }

  #ledger(): Map<string, StoredEntry> {
    const entries = new Map<string, StoredEntry>();
    for (const { data = {} } of this.#server.ledger.values()) {
      for (const [key, text] of Object.entries(data)) {
        const address = key.includes('.') ? key : key.replaceAll('-', ':');
        if (entries.has(address)) fail(`${address} has two entries`);
        entries.set(address, JSON.parse(text) as StoredEntry);
      }
    }
    return entries;
  }
}

function isLive(service: KubeService): boolean {
  return isOurs(service, RULE) && service.metadata?.deletionTimestamp === undefined;
}

function hasWishes({ metadata }: KubeService): boolean {
  const { annotations = {} } = metadata ?? {};
  return ['loadBalancerIPs', 'address-pool', 'renumber'].some(
    (name) => (annotations[`berth.dev/${name}`] ?? '') !== '',
  );
}

/** What Berth says that it gave. */
function givenBy(service: KubeService): string[] {
  return (usageOf(service)?.given ?? []).map(String);
}

/** What the status shows that Berth did not give. */
function strangersOf(service: KubeService): string[] {
  const given = givenBy(service);
  return shownBy(service).filter((address) => !given.includes(address));
}

function shownBy(service: KubeService | undefined): string[] {
  return (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
}

function fail(message: string): never {
  throw new AssertionError({ message });
}
