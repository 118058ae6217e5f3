// SPDX-License-Identifier: Apache-2.0
/**
 * What the controller knows of the cluster, kept current by watches on both replicas: Services, namespaces, the ConfigMaps
 * of Berth's own namespace, of the ledger only which versions there are, and what the nodes say of themselves.
 */
import { LEDGER_LABEL } from '@berth/core';
import {
  type Clock,
  type ConfigMap,
  configMaps,
  type KubeApi,
  type KubeError,
  type KubeObject,
  keyOf,
  type Namespace,
  namespaces,
  Reflector,
  type ReflectorOptions,
  type Service,
  Store,
  services,
  type Task,
} from '@berth/kube';
import { NodeStates } from './node-states.ts';
import { trimNamespace, trimService } from './trim.ts';

export interface ClusterViewOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly namespace: string;
  onError(what: string, error: KubeError, retryInMs: number): void;
}

const LEDGER_SELECTOR = Object.entries(LEDGER_LABEL).map(([name, value]) => ({ name, value }));

export class ClusterView implements Task {
  readonly name = 'cluster view';
  readonly services = new Store<Service>();
  readonly namespaces = new Store<Namespace>();
  /** ConfigMaps of Berth's namespace, but for those of the ledger. */
  readonly configMaps = new Store<ConfigMap>();
  /** The ConfigMaps of the ledger, metadata only: they can be large, and are read when they are needed. */
  readonly ledgerVersions = new Store<ConfigMap>();
  /** What the nodes say of themselves. */
  readonly nodeStates: NodeStates;
  readonly ready: Promise<void>;
  readonly #options: ClusterViewOptions;
  readonly #serviceReflector: Reflector<Service>;
  readonly #reflectors: readonly Task[];
  #isReady = false;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    const { namespace } = options;
    const selector = (operator: string) => LEDGER_SELECTOR.map(({ name, value }) => name + operator + value).join(',');
    this.#serviceReflector = this.#reflector({ kind: services, store: this.services, transform: trimService });
    this.nodeStates = new NodeStates({
      ...{ api: options.api, clock: options.clock, namespace },
      onError: (error, retryInMs) => options.onError('leases', error, retryInMs),
    });
    this.#reflectors = [
      this.#serviceReflector,
      this.nodeStates,
      this.#reflector<Namespace>({ kind: namespaces, store: this.namespaces, transform: trimNamespace }),
      this.#reflector<ConfigMap>({
        kind: configMaps,
        store: this.configMaps,
        selection: { namespace, labelSelector: selector('!=') },
      }),
      this.#reflector<ConfigMap>({
        kind: configMaps,
        store: this.ledgerVersions,
        selection: { namespace, labelSelector: selector('='), metadataOnly: true },
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
   * Takes over what a patch returned, before the watch brings it, so that nobody works on the state before the patch. What
   * is gone or going is left to the watch: it alone knows when an object has ended.
   */
  learn(patched: Service): void {
    const kept = this.services.get(keyOf(patched));
    const isAlive = kept?.metadata.uid === patched.metadata.uid && patched.metadata.deletionTimestamp === undefined;
    if (isAlive) this.services.upsert(trimService(patched));
  }

  #reflector<T extends KubeObject>(options: Omit<ReflectorOptions<T>, 'api' | 'clock' | 'onError'>): Reflector<T> {
    const { api, clock } = this.#options;
    const onError = (error: KubeError, retryInMs: number) =>
      this.#options.onError(options.kind.plural, error, retryInMs);
    return new Reflector<T>({ ...options, api, clock, onError });
  }
}
