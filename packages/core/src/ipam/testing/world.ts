// SPDX-License-Identifier: Apache-2.0
/**
 * A cluster in memory for tests: an API server that keeps Services and ledger objects under compare-and-swap, and the loop
 * of a controller over it, with every step by hand so that a test can stop between any two of them.
 */
import type { PoolConfig } from '../../config/pool-config.ts';
import type { IpAddress } from '../../net/ip-address.ts';
import { wasAnnounced } from '../../service/announced-before.ts';
import type { KubeService, ServiceKey } from '../../service/kube-service.ts';
import { serviceKeyOf } from '../../service/kube-service.ts';
import { isOurs, loadBalancerClassRule } from '../../service/load-balancer-class.ts';
import { readServiceRequest, type ServiceRequest } from '../../service/service-request.ts';
import { removalPatch, type ServicePatch, statusPatch } from '../../service/service-status.ts';
import { Allocator, type Surroundings } from '../allocator.ts';
import type { Decision } from '../decision.ts';
import { type KubeLedgerObject, type LedgerWrite, ledgerObjectOf } from '../ledger-object.ts';

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

  constructor(server: FakeApiServer, surroundings: Surroundings, options: { readonly sealBytes?: number } = {}) {
    this.#server = server;
    this.allocator = new Allocator(surroundings, options);
  }

  /** Looks at all Services anew. */
  observe(): void {
    this.#view = new Map(this.#server.services);
  }

  /**
   * Reads the ledger, then all Services, and takes over statuses, in the draft. In this order: a Service that is in the
   * ledger must not be taken for gone because the view is older.
   */
  restart(): ReturnType<Allocator['adopt']> {
    this.allocator.reset([...this.#server.ledger.values()].map(ledgerObjectOf));
    this.observe();
    const all = [...this.#view.values()];
    const requests = all.flatMap((service) => this.requestFrom(service) ?? []);
    const departing = all.filter((service) => this.requestFrom(service) === undefined).map(serviceKeyOf);
    const { nowMs } = this;
    const used = (key: ServiceKey, address: IpAddress) => wasAnnounced(this.#view.get(key) ?? {}, address, nowMs);
    return this.allocator.adopt({ requests, departing, nowMs, wasAnnounced: used });
  }

  /** What a Service of ours asks for; undefined for one that is not ours, is being deleted, or has no cluster IP. */
  requestFrom(service: KubeService): ServiceRequest | undefined {
    const isLive = isOurs(service, RULE) && service.metadata?.deletionTimestamp === undefined;
    return isLive ? readServiceRequest(service) : undefined;
  }

  /** Decides about a Service, or releases it; the draft changes, nothing is written. */
  consider(key: ServiceKey): Considered {
    const service = this.#view.get(key);
    const request = service && this.requestFrom(service);
    if (request !== undefined) return { service, decision: this.allocator.decide(request, this.nowMs) };
    if ((service?.status?.loadBalancer?.ingress ?? []).length === 0) this.allocator.release(key, this.nowMs);
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
    const isHeld = this.allocator.addressesOf(key).length > 0;
    const patch =
      decision === undefined
        ? removalPatch(service, { isHeld, isOurs: isOurs(service, RULE) })
        : statusPatch(service, decision, { nowMs: this.nowMs, finalizer: true });
    if (patch !== undefined) this.#server.patchService(key, patch);
  }

  keys(): ServiceKey[] {
    return [...new Set([...this.#view.keys(), ...this.allocator.holders()])];
  }

  /** One Service, all steps. */
  reconcile(key: ServiceKey): Decision | undefined {
    const considered = this.consider(key);
    if (this.writeLedger() === 'written') this.writeStatus(considered);
    this.observe();
    return considered.decision;
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
    this.controller.allocator.setSurroundings(this.#surroundings);
  }

  /** A new controller process in place of the old one, which knows ledger and statuses only. Reports what it took over. */
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

/** JSON merge patch (RFC 7386). */
function merge(target: Json, patch: Json): Json {
  const result: Json = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (isObject(value)) result[key] = merge(isObject(result[key]) ? result[key] : {}, value);
    else result[key] = value;
  }
  return result;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
