// SPDX-License-Identifier: Apache-2.0
/**
 * What the controller knows of the cluster, kept current by watches on both replicas: Services, namespaces, Nodes, the
 * ConfigMaps of Berth's own namespace, of the ledger only which versions there are, and what the nodes say of
 * themselves.
 */
import { HISTORY_LABEL, LEDGER_LABEL } from '@berth/core';
import {
  type ConfigMap,
  configMaps,
  type KubeApi,
  type KubeError,
  type KubeObject,
  keyOf,
  type Namespace,
  type Node,
  namespaces,
  nodes,
  Reflector,
  type ReflectorOptions,
  type Service,
  Store,
  services,
} from '@berth/kube';
import { type Clock, Signal, type Task } from '@berth/runtime';
import { MetallbObjects } from './metallb-objects.ts';
import { NodeStates } from './node-states.ts';
import { ServiceRanges } from './service-ranges.ts';
import { trimNamespace, trimNode, trimService } from './trim.ts';

export interface ClusterViewOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly namespace: string;
  /** Namespace of the objects of MetalLB. @default they are not read */
  readonly metallbNamespace?: string | undefined;
}

/** What is in them is large, and read by those who need it. */
const UNWATCHED = [LEDGER_LABEL, HISTORY_LABEL].flatMap((label) => Object.entries(label));

export class ClusterView implements Task {
  readonly name = 'cluster view';
  /** A watch of this kind failed. */
  readonly failures = new Signal<[what: string, error: KubeError, retryInMs: number]>();
  /** The API server turned out to be older than the view: etcd was restored. */
  readonly rewinds = new Signal();
  readonly services = new Store<Service>();
  readonly namespaces = new Store<Namespace>();
  /** Addresses and ranges of pods only. */
  readonly nodes = new Store<Node>();
  /** ConfigMaps of Berth's namespace, but for those of the ledger and the history. */
  readonly configMaps = new Store<ConfigMap>();
  /** The ConfigMaps of the ledger, metadata only: they can be large, and are read when they are needed. */
  readonly ledgerVersions = new Store<ConfigMap>();
  /** The ranges of Services, as far as the API server tells them. */
  readonly serviceRanges: ServiceRanges;
  /** What the nodes say of themselves. */
  readonly nodeStates: NodeStates;
  /** Pools and policies of MetalLB. */
  readonly metallb: MetallbObjects;
  readonly ready: Promise<void>;
  readonly #options: ClusterViewOptions;
  readonly #serviceReflector: Reflector<Service>;
  readonly #reflectors: readonly Task[];
  #isReady = false;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    const { api, clock, namespace } = options;
    const selector = (operator: string, labels: readonly (readonly [string, string])[]) =>
      labels.map(([name, value]) => name + operator + value).join(',');
    this.#serviceReflector = this.#reflector({ kind: services, store: this.services, transform: trimService });
    this.nodeStates = new NodeStates({ api, clock, namespace });
    this.nodeStates.failures.subscribe((error, retryInMs) => this.failures.emit('leases', error, retryInMs));
    this.serviceRanges = new ServiceRanges({ api, clock });
    this.serviceRanges.failures.subscribe((error, retryInMs) => this.failures.emit('servicecidrs', error, retryInMs));
    this.metallb = new MetallbObjects({ api, clock, namespace: options.metallbNamespace });
    this.metallb.failures.subscribe((what, error, retryInMs) => this.failures.emit(what, error, retryInMs));
    this.#reflectors = [
      this.metallb,
      this.#serviceReflector,
      this.nodeStates,
      this.serviceRanges,
      this.#reflector<Namespace>({ kind: namespaces, store: this.namespaces, transform: trimNamespace }),
      this.#reflector<Node>({ kind: nodes, store: this.nodes, transform: trimNode }),
      this.#reflector<ConfigMap>({
        kind: configMaps,
        store: this.configMaps,
        selection: { namespace, labelSelector: selector('!=', UNWATCHED) },
      }),
      this.#reflector<ConfigMap>({
        kind: configMaps,
        store: this.ledgerVersions,
        selection: { namespace, labelSelector: selector('=', Object.entries(LEDGER_LABEL)), metadataOnly: true },
      }),
    ];
    this.ready = Promise.all(this.#reflectors.map((reflector) => reflector.ready)).then(() => {
      this.#isReady = true;
    });
  }

  /** Whether everything was listed once. */
  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    for (const reflector of this.#reflectors) reflector.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
  }

  /**
   * Reads all Services anew, so that the view is at least as new as anything that was read before. A ledger that others
   * wrote may speak of Services that the watch has not brought yet; to take them for gone would free their addresses.
   */
  refreshServices(signal: AbortSignal): Promise<void> {
    return this.#serviceReflector.refresh(signal);
  }

  /**
   * Takes over what a patch returned, before the watch brings it, so that no one works on the state before the patch.
   * What is gone or going is left to the watch: it alone knows when an object has ended.
   */
  learn(patched: Service): void {
    const kept = this.services.get(keyOf(patched));
    const isAlive = kept?.metadata.uid === patched.metadata.uid && patched.metadata.deletionTimestamp === undefined;
    if (isAlive) this.services.upsert(trimService(patched));
  }

  #reflector<T extends KubeObject>(
    options: Omit<ReflectorOptions<T>, 'api' | 'clock' | 'onError' | 'onRewind'>,
  ): Reflector<T> {
    const { api, clock } = this.#options;
    const onError = (error: KubeError, retryInMs: number) => this.failures.emit(options.kind.plural, error, retryInMs);
    return new Reflector<T>({ ...options, api, clock, onError, onRewind: () => this.rewinds.emit() });
  }
}
