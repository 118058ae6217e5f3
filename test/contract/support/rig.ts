// SPDX-License-Identifier: Apache-2.0

// Controllers in this process against the real API server, each test with namespaces of its own, and what tests do as
// users: write pools, make Services, look at what became of them.

import { Controller } from '@berth/controller';
import {
  type ConfigMap,
  configMaps,
  type EventObject,
  events,
  isKubeError,
  KubeClient,
  leases,
  type NewObject,
  type Service,
  services,
} from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { type Cluster, emptyNamespace, makeNamespace, sharedCluster } from './cluster.ts';
import { ObservedApi } from './observed-api.ts';
import { collecting, type Running, ShiftedClock, type StartOptions } from './running.ts';
import { until } from './until.ts';

export const CONDITION = 'berth.dev/AddressAssigned';
export const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

export interface PoolSpec {
  readonly addresses: readonly string[];
  readonly [field: string]: unknown;
}

export interface ServiceOptions {
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Record<string, unknown>;
}

let sweeping: Promise<void> | undefined;

// Takes away the Services that a run before this one left: controllers see those of all namespaces.
async function sweep(client: KubeClient): Promise<void> {
  const { items } = await client.list(services);
  const left = items.filter(
    ({ metadata, spec }) => spec?.type === 'LoadBalancer' && metadata.namespace?.startsWith('t-'),
  );
  const places = new Set(left.map(({ metadata }) => metadata.namespace ?? ''));
  for (const namespace of places) await emptyNamespace(client, namespace);
}

/** Uses a rig in the present suite: a new one for each test. */
export function useRig(): { readonly rig: Rig } {
  const use: { rig: Rig } = {} as { rig: Rig };
  beforeEach(async () => {
    use.rig = await Rig.open();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') use.rig.showLogs();
    await use.rig.close();
  });
  return use;
}

export class Rig {
  readonly cluster: Cluster;
  readonly client: KubeClient;
  /** Stands in for berth-system. */
  readonly system: string;
  /** Where Services are made unless a test says otherwise. */
  readonly shop: string;
  readonly #namespaces: string[];
  /** Controllers in the order of their start, also those that were stopped. */
  readonly running: Running[] = [];

  private constructor(cluster: Cluster, system: string, shop: string) {
    this.cluster = cluster;
    this.client = cluster.client;
    this.system = system;
    this.shop = shop;
    this.#namespaces = [system, shop];
  }

  static async open(): Promise<Rig> {
    const cluster = await sharedCluster();
    sweeping ??= sweep(cluster.client);
    await sweeping;
    return new Rig(cluster, await makeNamespace(cluster.client), await makeNamespace(cluster.client));
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((running) => this.stop(running)));
    await Promise.all(this.#namespaces.map((namespace) => emptyNamespace(this.client, namespace)));
  }

  showLogs(): void {
    for (const { log } of this.running) console.log(log.join('\n'));
  }

  /** One more namespace; the suffix makes its name longer. */
  async namespace(labels: Readonly<Record<string, string>> = {}, suffix = ''): Promise<string> {
    const name = await makeNamespace(this.client, labels, suffix);
    this.#namespaces.push(name);
    return name;
  }

  /** Starts a controller; `arrange` sees it before it makes its first call. */
  async start(options: StartOptions = {}, arrange: (running: Running) => void = () => {}): Promise<Running> {
    const identity = options.identity ?? `replica-${this.running.length}`;
    const log: string[] = [];
    const client = new KubeClient({
      clock: systemClock,
      access: this.cluster.access,
      userAgent: 'berth-controller',
      maxConnections: 64,
    });
    const observed = new ObservedApi(client);
    const clock = new ShiftedClock();
    const controller = new Controller({
      api: observed.api,
      clock,
      log: collecting(log),
      namespace: this.system,
      identity,
      loadBalancerClass: options.loadBalancerClass ?? 'berth.dev/l2',
      metallbNamespace: options.metallbNamespace,
      finalizer: options.finalizer ?? true,
      leaseSeconds: options.leaseSeconds ?? 3,
      ...(options.leaseName ? { leaseName: options.leaseName } : {}),
    });
    const running = { controller, observed, log, clock, client, isStopped: false };
    this.running.push(running);
    arrange(running);
    controller.start();
    await controller.ready;
    return running;
  }

  async stop(running: Running): Promise<void> {
    running.isStopped = true;
    await running.controller.stop();
    running.client.close();
  }

  /**
   * Writes ip-address-pools with these pools, by name; makes or replaces it. Then every controller has seen it: a
   * Service comes by another watch, and might be decided by the pools before.
   */
  pools(pools: Readonly<Record<string, PoolSpec>>, apiVersion = 'berth.dev/v1'): Promise<void> {
    const documents = Object.entries(pools).map(([name, spec]) =>
      JSON.stringify({ apiVersion, kind: 'IPAddressPool', metadata: { name }, spec }),
    );
    return this.poolText(documents.join('\n---\n'));
  }

  async poolText(text: string): Promise<void> {
    const metadata = { namespace: this.system, name: 'ip-address-pools' };
    const written = await this.put({ metadata, data: { 'pools.yaml': text } });
    const working = this.running.filter(({ isStopped }) => !isStopped);
    const isSeen = () => working.every(({ observed }) => observed.hasTakenIn(written));
    await until(() => expect(isSeen(), 'every controller has seen the pools').to.equal(true));
  }

  /** Says that there are no addresses, as a user has to say it. */
  noPools(): Promise<void> {
    const metadata = { name: 'none', annotations: { 'berth.dev/empty': 'true' } };
    const document = { apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata, spec: { addresses: [] } };
    return this.poolText(JSON.stringify(document));
  }

  /** Makes a ConfigMap or replaces its data. */
  async put(configMap: NewObject<ConfigMap>): Promise<ConfigMap> {
    try {
      return await this.client.create(configMaps, configMap);
    } catch (error) {
      if (!isKubeError(error, 'already-exists')) throw error;
      const { namespace = '', name = '' } = configMap.metadata;
      const present = await this.client.get(configMaps, { namespace, name });
      return this.client.replace(configMaps, { ...present, data: configMap.data ?? {} });
    }
  }

  /** Makes a Service of type LoadBalancer. */
  service(name: string, options: ServiceOptions = {}): Promise<Service> {
    const { namespace = this.shop, annotations = {}, labels = {}, spec = {} } = options;
    return this.client.create(services, {
      metadata: { namespace, name, annotations, labels },
      spec: {
        type: 'LoadBalancer',
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 80, protocol: 'TCP' }],
        ...spec,
      },
    });
  }

  get(name: string, namespace = this.shop): Promise<Service> {
    return this.client.get(services, { namespace, name });
  }

  /** All Services of a namespace. */
  async all(namespace = this.shop): Promise<readonly Service[]> {
    return (await this.client.list(services, { namespace })).items;
  }

  edit(name: string, body: unknown, namespace = this.shop): Promise<Service> {
    return this.client.patch(services, { namespace, name }, { type: 'merge', body });
  }

  editStatus(name: string, status: unknown, namespace = this.shop): Promise<Service> {
    const options = { subresource: 'status' } as const;
    return this.client.patch(services, { namespace, name }, { type: 'merge', body: { status } }, options);
  }

  delete(name: string, namespace = this.shop): Promise<void> {
    return this.client.delete(services, { namespace, name });
  }

  /** Waits until the Service shows exactly these addresses. */
  has(name: string, ...addresses: string[]): Promise<Service> {
    return until(async () => {
      const service = await this.get(name);
      expect(ipsOf(service), name).to.deep.equal(addresses);
      return service;
    });
  }

  /** Waits until the condition of the Service has this reason; with a status too. */
  hasReason(name: string, reason: string, status?: 'True' | 'False'): Promise<Service> {
    return until(async () => {
      const service = await this.get(name);
      const condition = conditionOf(service);
      expect(condition?.reason, `${name}: ${condition?.message}`).to.equal(reason);
      if (status) expect(condition?.status).to.equal(status);
      return service;
    });
  }

  isGone(name: string): Promise<void> {
    return until(async () => {
      const found = await this.get(name).catch((error: unknown) => error);
      expect(isKubeError(found, 'not-found'), `${name} is still there`).to.equal(true);
    });
  }

  /** Our Events about an object. */
  async eventsOf(name: string, namespace = this.shop): Promise<readonly EventObject[]> {
    const selector = `involvedObject.name=${name}`;
    const { items } = await this.client.list(events, { namespace, fieldSelector: selector });
    // Others tell about Services too, e.g. the API server when it repairs cluster IPs after a restart.
    return items.filter(({ source }) => source?.component === 'berth-controller');
  }

  /** Waits until there are Events with these reasons about an object, and no other. */
  hasEvents(name: string, reasons: readonly string[], namespace = this.shop): Promise<readonly EventObject[]> {
    // Events rest while the API server is slow, so they get more time than anything else.
    return until(async () => {
      const all = await this.eventsOf(name, namespace);
      expect(all.map((event) => event.reason).sort()).to.deep.equal([...reasons].sort());
      return all;
    }, 40_000);
  }

  /** Data of the ledger's objects, merged: address to who holds it. */
  async ledger(): Promise<ReadonlyMap<string, readonly string[]>> {
    const { items } = await this.client.list(configMaps, { namespace: this.system });
    const entries = new Map<string, readonly string[]>();
    for (const { metadata, data = {} } of items) {
      if (!/^ledger(-\d+)?$/.test(metadata.name)) continue;
      for (const [address, text] of Object.entries(data)) {
        const holders = (JSON.parse(text) as { services?: { name: string }[] }).services ?? [];
        if (holders.length > 0) {
          entries.set(
            address.replaceAll('-', ':'),
            holders.map(({ name }) => name),
          );
        }
      }
    }
    return entries;
  }

  /** Waits until the ledger holds exactly these addresses for these Services of the shop. */
  ledgerHolds(wanted: Readonly<Record<string, string>>): Promise<void> {
    return until(async () => {
      const held = Object.fromEntries([...(await this.ledger())].map(([address, keys]) => [address, keys.join()]));
      const keys = Object.entries(wanted).map(([address, name]) => [address, `${this.shop}/${name}`]);
      expect(held).to.deep.equal(Object.fromEntries(keys));
    });
  }

  deleteConfigMap(name: string): Promise<void> {
    return this.client.delete(configMaps, { namespace: this.system, name });
  }

  /** Changes nothing but an annotation. */
  async touchConfigMap(name: string): Promise<void> {
    const body = { metadata: { annotations: { touched: String(performance.now()) } } };
    await this.client.patch(configMaps, { namespace: this.system, name }, { type: 'merge', body });
  }

  async blankLease(): Promise<void> {
    const body = { spec: { holderIdentity: '' } };
    await this.client.patch(leases, { namespace: this.system, name: 'controller' }, { type: 'merge', body });
  }

  configMap(name: string) {
    return this.client.get(configMaps, { namespace: this.system, name });
  }
}

export function ipsOf(service: Service): string[] {
  return (service.status?.loadBalancer?.ingress ?? []).map(({ ip = '?' }) => ip);
}

export function conditionOf(service: Service) {
  return service.status?.conditions?.find(({ type }) => type === CONDITION);
}
