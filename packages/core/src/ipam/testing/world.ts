// SPDX-License-Identifier: Apache-2.0
/**
 * A cluster in memory for tests: an API server that keeps Services and ledger objects under compare-and-swap, and the
 * loop of a controller over it, with every step by hand so that a test can stop between any two of them.
 */
import { apply } from 'json-merge-patch';
import { compareText } from '../../compare-text.ts';
import type { PoolConfig } from '../../config/pool-config.ts';
import type { IpAddress } from '../../net/ip-address.ts';
import type { KubeService, ServiceKey } from '../../service/kube-service.ts';
import { serviceKeyOf } from '../../service/kube-service.ts';
import { isOurs, loadBalancerClassRule } from '../../service/load-balancer-class.ts';
import { readServiceRequest, type ServiceRequest } from '../../service/service-request.ts';
import { includesAddress, shownAddressesOf } from '../../service/usage.ts';
import { wasAnnounced } from '../../status/announced-before.ts';
import { removalPatch } from '../../status/removal-patch.ts';
import type { ServicePatch } from '../../status/service-patch.ts';
import { statusPatch } from '../../status/service-status.ts';
import { Allocator } from '../allocator.ts';
import type { Decision } from '../decision.ts';
import type { Surroundings } from '../decision-scope.ts';
import { type KubeLedgerObject, type LedgerWrite, ledgerObjectOf } from '../ledger-object.ts';
import { departingOf } from '../live-status.ts';
import { Occupants } from '../occupants.ts';
import { occupantsOfService } from '../occupants-of.ts';

type Json = { [key: string]: unknown };

/** What the API server holds. */
export class FakeApiServer {
  readonly services = new Map<ServiceKey, KubeService>();
  readonly ledger = new Map<string, KubeLedgerObject>();
  /** Writes to the ledger and to Services that succeeded. */
  writes = 0;
  #version = 0;

  put(service: KubeService): void {
    const metadata = { ...service.metadata, resourceVersion: this.#next() };
    this.services.set(serviceKeyOf(service), { ...service, metadata });
  }

  /** Edits a Service as a user does; the API server wipes the status of what is no longer a LoadBalancer. */
  edit(key: ServiceKey, change: (service: KubeService) => KubeService): void {
    const service = this.services.get(key);
    if (service === undefined) return;
    const next = change(service);
    this.put(next.spec?.type === 'LoadBalancer' ? next : { ...next, status: { ...next.status, loadBalancer: {} } });
  }

  /** Deletes a Service; with finalizers it stays until the last is gone. */
  remove(key: ServiceKey): void {
    const service = this.services.get(key);
    if (service === undefined) return;
    if ((service.metadata?.finalizers ?? []).length === 0) this.services.delete(key);
    else this.put({ ...service, metadata: { ...service.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } });
  }

  /** Whether the patch went through: false for a conflict or a Service that is gone. */
  patchService(key: ServiceKey, patch: ServicePatch): boolean {
    const service = this.services.get(key);
    if (service === undefined || service.metadata?.resourceVersion !== patch.metadata.resourceVersion) return false;
    const { resourceVersion: _, ...metadata } = patch.metadata;
    const merged = merge(service as unknown as Json, { ...patch, metadata }) as KubeService;
    this.writes++;
    const isLast = merged.metadata?.deletionTimestamp !== undefined && (merged.metadata.finalizers ?? []).length === 0;
    if (isLast) this.services.delete(key);
    else this.put(merged);
    return true;
  }

  /** The new resourceVersion, or undefined for a conflict. */
  writeLedger(write: LedgerWrite): string | undefined {
    const present = this.ledger.get(write.name);
    if (write.kind === 'create')
      return present === undefined ? this.#store(write.name, write.object as KubeLedgerObject) : undefined;
    const patch = write.patch as Json;
    const { resourceVersion } = patch.metadata as { resourceVersion: string };
    if (present?.metadata?.resourceVersion !== resourceVersion) return undefined;
    const next = merge(present as Json, patch) as KubeLedgerObject;
    // As the real one: a patch that changes nothing is compared with the version and writes nothing.
    return JSON.stringify(next) === JSON.stringify(present) ? resourceVersion : this.#store(write.name, next);
  }

  #store(name: string, object: KubeLedgerObject): string {
    const resourceVersion = this.#next();
    this.writes++;
    this.ledger.set(name, { ...object, metadata: { ...object.metadata, resourceVersion } });
    return resourceVersion;
  }

  #next(): string {
    return String(++this.#version);
  }
}

const RULE = loadBalancerClassRule();

/** A Service as it was seen, and what was decided about it; nothing where it is to be released. */
export interface Considered {
  readonly service: KubeService | undefined;
  readonly decision: Decision | undefined;
}

/** One controller: its view of the Services may be old, its ledger is what it read or wrote last. */
export class FakeController {
  readonly allocator: Allocator;
  nowMs = 0;
  readonly #server: FakeApiServer;
  #view = new Map<ServiceKey, KubeService>();
  #occupants = '';

  constructor(server: FakeApiServer, surroundings: Surroundings, options: { readonly sealBytes?: number } = {}) {
    this.#server = server;
    this.allocator = new Allocator(surroundings, options);
  }

  /** Looks at all Services anew, and at who else has addresses. */
  observe(): void {
    this.#view = new Map(this.#server.services);
    const occupants = [...this.#view.values()].flatMap((service) => occupantsOfService(service, RULE));
    const text = occupants.map(({ at, holder }) => `${at} ${holder}`).join();
    if (text === this.#occupants) return;
    this.#occupants = text;
    this.allocator.setSurroundings({ ...this.allocator.surroundings, occupants: new Occupants(occupants) });
  }

  /** Swaps pools and namespaces; who else has addresses stays known. */
  configure(surroundings: Surroundings): void {
    const { occupants = Occupants.NONE } = this.allocator.surroundings;
    this.allocator.setSurroundings({ occupants, ...surroundings });
  }

  /**
   * Reads the ledger, then all Services, takes over statuses and ends quarantines of what is in use, in the draft. In
   * this order: a Service that is in the ledger must not be taken for gone because the view is older.
   */
  restart(): ReturnType<Allocator['adopt']> {
    this.allocator.reset([...this.#server.ledger.values()].map(ledgerObjectOf));
    this.observe();
    const all = [...this.#view.values()];
    const requests = all.flatMap((service) => this.requestFrom(service) ?? []);
    const departing = all
      .filter((service) => this.requestFrom(service) === undefined)
      .map((service) => departingOf(service, RULE));
    const { nowMs } = this;
    const used = (key: ServiceKey, address: IpAddress) => wasAnnounced(this.#view.get(key) ?? {}, address, nowMs);
    const report = this.allocator.adopt({ requests, departing, nowMs, wasAnnounced: used });
    this.allocator.endUsedQuarantines(used);
    return report;
  }

  /** What a Service of ours asks for; undefined for one that is not ours, is being deleted, or has no cluster IP. */
  requestFrom(service: KubeService): ServiceRequest | undefined {
    const isLive = isOurs(service, RULE) && service.metadata?.deletionTimestamp === undefined;
    return isLive ? readServiceRequest(service, RULE) : undefined;
  }

  /** Decides about a Service, or releases it; the draft changes, nothing is written. */
  consider(key: ServiceKey): Considered {
    const service = this.#view.get(key);
    const request = service && this.requestFrom(service);
    if (request !== undefined) return { service, decision: this.allocator.decide(request, this.nowMs) };
    const shown = service === undefined ? [] : shownAddressesOf(service);
    const isShown = this.allocator.addressesOf(key).some((address) => includesAddress(shown, address));
    if (!isShown) this.allocator.release(key, this.nowMs);
    return { service, decision: undefined };
  }

  /** Writes the draft; after a conflict the ledger is read anew and the draft is gone. */
  writeLedger(): 'written' | 'conflict' {
    const versions: string[] = [];
    for (const write of this.allocator.writes()) {
      const version = this.#server.writeLedger(write);
      if (version === undefined) {
        this.restart();
        return 'conflict';
      }
      versions.push(version);
    }
    this.allocator.commit(versions);
    return 'written';
  }

  /** Writes the status of a Service after its decision is durable, to the very object that was decided about. */
  writeStatus({ service, decision }: Considered): void {
    if (service === undefined) return;
    const key = serviceKeyOf(service);
    const held = this.allocator.addressesOf(key);
    const patch =
      decision === undefined
        ? removalPatch(service, { held, rule: RULE, isOurs: isOurs(service, RULE) })
        : statusPatch(service, decision, {
            ...{ nowMs: this.nowMs, finalizer: true },
            loadBalancerClass: RULE.loadBalancerClass,
          });
    if (patch === undefined || !this.#server.patchService(key, patch)) return;
    // What a patch returns is known at once; that a Service has ended, only the watch tells.
    const patched = this.#server.services.get(key);
    if (patched !== undefined) this.#view.set(key, patched);
  }

  /** What leaves goes first, then the oldest. */
  keys(): ServiceKey[] {
    const rank = (key: ServiceKey) => {
      const service = this.#view.get(key);
      return service && this.requestFrom(service) ? (service.metadata?.creationTimestamp ?? '') : '';
    };
    const keys = [...new Set([...this.#view.keys(), ...this.allocator.holders()])];
    return keys.sort((a, b) => compareText(rank(a), rank(b)) || compareText(a, b));
  }

  /** One Service, all steps. */
  reconcile(key: ServiceKey): Decision | undefined {
    const considered = this.consider(key);
    if (this.writeLedger() === 'written') this.writeStatus(considered);
    this.observe();
    return considered.decision;
  }

  /**
   * As {@link FakeController.settle}, in whole batches as the controller works: all are decided, then the ledger is
   * written, then the statuses.
   */
  settleInBatches(): void {
    this.observe();
    for (let round = 0; round < 20; round++) {
      const before = this.#server.writes;
      const considered = this.keys().map((key) => this.consider(key));
      if (this.writeLedger() === 'written') for (const one of considered) this.writeStatus(one);
      this.observe();
      if (this.#server.writes === before) return;
    }
    throw new Error('the controller does not come to rest');
  }

  /** All Services until nothing is written any more; returns the last decisions. */
  settle(): Map<ServiceKey, Decision> {
    const decisions = new Map<ServiceKey, Decision>();
    this.observe();
    for (let round = 0; round < 20; round++) {
      const before = this.#server.writes;
      for (const key of this.keys()) {
        const decision = this.reconcile(key);
        if (decision !== undefined) decisions.set(key, decision);
      }
      if (this.#server.writes === before) return decisions;
    }
    throw new Error('the controller does not come to rest');
  }
}

/** One API server, one controller, one configuration: what most tests need. */
export class World {
  readonly server = new FakeApiServer();
  controller: FakeController;
  #surroundings: Surroundings;

  constructor(config: PoolConfig, namespaces: Surroundings['namespaces'] = new Map()) {
    this.#surroundings = { config, namespaces };
    this.controller = new FakeController(this.server, this.#surroundings);
    this.controller.restart();
  }

  put(...services: KubeService[]): void {
    for (const service of services) this.server.put(service);
  }

  configure(change: Partial<Surroundings>): void {
    this.#surroundings = { ...this.#surroundings, ...change };
    this.controller.configure(this.#surroundings);
  }

  /**
   * A new controller process in place of the old one, which knows ledger and statuses only. Reports what it took over.
   */
  restart(): ReturnType<FakeController['restart']> {
    const { nowMs } = this.controller;
    this.controller = new FakeController(this.server, this.#surroundings);
    this.controller.nowMs = nowMs;
    this.controller.observe();
    const report = this.controller.restart();
    this.controller.writeLedger();
    return report;
  }

  settle(): Map<ServiceKey, Decision> {
    return this.controller.settle();
  }

  /** What the status of `shop/NAME`, or of a whole key, shows. */
  shown(name: string): string[] {
    const service = this.server.services.get(name.includes('/') ? name : `shop/${name}`);
    return (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  }
}

/** JSON merge patch (RFC 7396); the target stays as it is. */
function merge(target: Json, patch: Json): Json {
  return apply(JSON.parse(JSON.stringify(target)), patch) as Json;
}
