// SPDX-License-Identifier: Apache-2.0

// A cluster with two controllers that both believe to lead, driven by operations; after each of them the invariants are
// looked at from outside: only what the API server holds counts.

import { AssertionError } from 'node:assert';
import {
  type Decision,
  isOurs,
  type KubeService,
  type Labels,
  loadBalancerClassRule,
  MacAddress,
  type PoolConfig,
} from '@berth/core';
import { type Considered, FakeApiServer, FakeController, ip, type ServiceSketch, serviceOf } from '@berth/core/testing';
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
  /** What each Service showed when its own wishes last changed; from then on what it shows may only grow. */
  readonly #settledOn = new Map<string, readonly string[]>();

  constructor(configs: readonly [PoolConfig, ...PoolConfig[]]) {
    this.#configs = configs;
    this.#config = configs[0];
    this.#seats = Array.from({ length: CONTROLLERS }, () => this.#newSeat());
  }

  run(operation: Operation): void {
    this.#apply(operation);
    this.#checkNoVipTwice();
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
      case 'settle':
        this.settle();
        break;
      case 'lose ledger':
        // Until it is made again no status is covered by it: the invariants hold again when that is done.
        this.#forgiveMisfits();
        this.#server.ledger.clear();
        this.settle();
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

  /** What a node says becomes durable, unless a Service is settled on the address: then it is an alarm and nothing more. */
  #quarantine(
    { controller }: Seat,
    { kind, address: text }: { readonly kind: string; readonly address: string },
  ): void {
    const address = ip(text);
    const holders = controller.allocator.table.get(address)?.holders ?? [];
    if (kind === 'release') controller.allocator.endQuarantine(address);
    else if (!holders.some(({ service }) => this.#settledOn.has(service))) {
      controller.allocator.quarantine(address, { mac: MacAddress.ZERO, node: 'n1', interface: 'eth0', sinceMs: 0 });
    }
    controller.writeLedger();
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
    if (present === undefined) this.#server.put(fresh);
    else {
      const metadata = {
        ...present.metadata,
        annotations: { ...present.metadata?.annotations, ...fresh.metadata?.annotations },
      };
      const { status = {} } = present;
      this.#server.edit(key, () => ({ ...fresh, metadata, status }));
    }
    this.#settledOn.delete(key);
  }

  #edit(key: string, change: (metadata: KubeService['metadata']) => KubeService['metadata']): void {
    this.#server.edit(key, (service) => ({ ...service, metadata: change(service.metadata) ?? {} }));
  }

  #renumber(key: string): void {
    const shown = shownBy(this.#server.services.get(key));
    if (shown.length === 0) return;
    this.#edit(key, (metadata) => ({
      ...metadata,
      annotations: { ...metadata?.annotations, 'berth.dev/renumber': shown.join() },
    }));
    this.#settledOn.delete(key);
  }

  /** Without a ledger nobody knows which of two that no longer fit together was edited: either may have to go. */
  #forgiveMisfits(): void {
    const all = [...this.#server.services];
    for (const [key, service] of all) {
      const sharers = all.filter(([, other]) => shownBy(other).some((address) => shownBy(service).includes(address)));
      const isMisfit = ([other, each]: (typeof all)[number]) =>
        other !== key && !mayShare(termsOfService(each), termsOfService(service));
      if (sharers.some(isMisfit)) this.#settledOn.delete(key);
    }
  }

  #tellControllers(): void {
    const surroundings = { config: this.#config, namespaces: this.#namespaces };
    for (const { controller } of this.#seats) controller.allocator.setSurroundings(surroundings);
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
      for (const address of shownBy(service)) {
        const isHolder = ledger.get(address)?.services?.some(({ name }) => name === key);
        if (!isHolder) fail(`${key} shows ${address}, which the ledger does not give it`);
      }
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
      const message = controller.allocator.table.disagreement();
      if (message !== undefined) fail(message);
    }
  }

  #checkRest(decisions: ReadonlyMap<string, Decision>): void {
    const ledger = this.#ledger();
    for (const [address, { services = [] }] of ledger) {
      for (const { name } of services) {
        if (!shownBy(this.#server.services.get(name)).includes(address)) fail(`${address} is leaked to ${name}`);
      }
    }
    const situation = { config: this.#config, namespaces: this.#namespaces, ledger, nowMs: this.#nowMs };
    for (const [key, service] of this.#server.services) {
      if (!isLive(service)) {
        if (isOurs(service, RULE) || (service.metadata?.finalizers ?? []).length > 0) fail(`${key} is stuck`);
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

function shownBy(service: KubeService | undefined): string[] {
  return (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
}

function fail(message: string): never {
  throw new AssertionError({ message });
}
