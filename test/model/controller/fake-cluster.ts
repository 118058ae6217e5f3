// SPDX-License-Identifier: Apache-2.0

// The whole controller over an API server in memory, on a clock that a test moves.

import { Controller } from '@berth/controller';
import type { KubeService } from '@berth/core';
import { type PoolSpec, poolDocuments, type ServiceSketch, serviceOf } from '@berth/core/testing';
import { configMaps, events, type KubeError, leases, type NewObject, type Service, services } from '@berth/kube';
import { FakeApi, type FakeCall } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';

export const SYSTEM = 'berth-system';

export class FakeCluster {
  readonly api = new FakeApi();
  readonly clock = new FakeClock();
  readonly log: string[] = [];
  #controller: Controller | undefined;

  get controller(): Controller {
    if (this.#controller === undefined) throw new Error('no controller runs');
    return this.#controller;
  }

  async start(loadBalancerClass = 'berth.dev/l2'): Promise<this> {
    const at = (level: string) => (message: string, fields?: object) => {
      this.log.push(`${level} ${message} ${fields ? JSON.stringify(fields) : ''}`);
    };
    this.#controller = new Controller({
      api: this.api,
      clock: this.clock,
      log: { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') },
      namespace: SYSTEM,
      identity: 'one',
      loadBalancerClass,
      finalizer: true,
    });
    this.#controller.start();
    await this.clock.advance(1_000);
    return this;
  }

  async stop(): Promise<void> {
    await this.#controller?.stop();
    this.#controller = undefined;
  }

  /** Writes the configuration, as documents of these pools. */
  async pools(pools: Readonly<Record<string, PoolSpec>>): Promise<void> {
    await this.configure({ 'pools.yaml': poolDocuments(pools) });
  }

  async configure(data: Readonly<Record<string, string>>): Promise<void> {
    const metadata = { namespace: SYSTEM, name: 'ip-address-pools' };
    const present = this.api.all(configMaps).find((one) => one.metadata.name === metadata.name);
    if (present === undefined) await this.api.create(configMaps, { metadata, data });
    else await this.api.replace(configMaps, { ...present, data });
  }

  async add(name: string, sketch: ServiceSketch = {}): Promise<void> {
    await this.put(serviceOf(name, sketch));
  }

  /** Makes a Service; its own resourceVersion is left out. */
  async put({ metadata: { resourceVersion: _, ...metadata } = {}, ...rest }: KubeService): Promise<void> {
    await this.api.create(services, { ...rest, metadata } as unknown as NewObject<Service>);
  }

  get(name: string): Service | undefined {
    return this.api.all(services).find((service) => service.metadata.name === name);
  }

  /** What the status shows. */
  shown(name: string): string {
    return (this.get(name)?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join();
  }

  /** `REASON NAME` of all Events, in order. */
  told(): string[] {
    return this.api.all(events).map(({ reason, involvedObject }) => `${reason} ${involvedObject.name}`);
  }

  /** Calls that changed a Service or the ledger. */
  writes(): FakeCall[] {
    const isWrite = ({ verb }: FakeCall) => verb === 'patch' || verb === 'create' || verb === 'replace';
    return this.api.calls.filter((call) => isWrite(call) && (isOfService(call) || isOfLedger(call)));
  }

  async leader(): Promise<string> {
    const lease = this.api.all(leases).find((one) => one.metadata.name === 'controller');
    return lease?.spec?.holderIdentity ?? '';
  }

  /** Fails the calls that `isMeant` picks, until the returned function is called. */
  refuse(isMeant: (call: FakeCall) => boolean, error: () => KubeError): () => void {
    this.api.before = (call) => {
      if (isMeant(call)) throw error();
    };
    return () => {
      this.api.before = () => {};
    };
  }
}

export function isOfLedger({ at }: FakeCall): boolean {
  return /^ledger(-\d+)?$/.test(at.name ?? '');
}

export function isOfService({ kind, verb }: FakeCall): boolean {
  return kind === 'Service' && verb !== 'list' && verb !== 'watch' && verb !== 'get';
}
