// SPDX-License-Identifier: Apache-2.0
/** What the speaker knows of the cluster: Services, Nodes and the pool configuration, kept current by watches. */
import { POOL_CONFIG_MAP } from '@berth/core';
import {
  type Clock,
  type ConfigMap,
  configMaps,
  type KubeApi,
  type KubeError,
  type KubeObject,
  type Node,
  nodes,
  Reflector,
  type ReflectorOptions,
  type Service,
  Store,
  type StoreEvent,
  services,
  type Task,
  withoutManagedFields,
} from '@berth/kube';
import { trimNode, trimService } from './trim.ts';

export interface WatchesOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly namespace: string;
  /** Something changed that matters here. */
  onChange(): void;
  onError(what: string, error: KubeError, retryInMs: number): void;
}

export class Watches {
  readonly name = 'watches';
  readonly services = new Store<Service>();
  readonly nodes = new Store<Node>();
  readonly configMaps = new Store<ConfigMap>();
  readonly #options: WatchesOptions;
  #reflectors: readonly Task[] = [];

  constructor(options: WatchesOptions) {
    this.#options = options;
    this.services.subscribe((event) => {
      if (isVipNews(event)) options.onChange();
    });
    this.configMaps.subscribe(() => options.onChange());
    this.nodes.subscribe((event) => {
      // The kubelet writes its Node every few minutes although nothing changed that we look at.
      if (event.type !== 'updated' || !isSameNode(event.previous, event.object)) options.onChange();
    });
  }

  /** Resolves when everything was listed once. */
  get ready(): Promise<void> {
    return Promise.all(this.#reflectors.map((reflector) => reflector.ready)).then(() => {});
  }

  start(): void {
    this.#reflectors = this.#newReflectors();
    for (const reflector of this.#reflectors) reflector.start();
  }

  /**
   * Reads everything again, since what is known may be old: a watch over a cable that was pulled tells nothing and does not fail. What
   * is known stays until then. Resolves when everything was listed.
   */
  async relist(): Promise<void> {
    await this.stop();
    this.start();
    await this.ready;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
  }

  #newReflectors(): Task[] {
    const selection = { namespace: this.#options.namespace, fieldSelector: `metadata.name=${POOL_CONFIG_MAP}` };
    return [
      this.#reflector<Service>({ kind: services, store: this.services, transform: trimService }),
      this.#reflector<Node>({ kind: nodes, store: this.nodes, transform: trimNode }),
      this.#reflector<ConfigMap>({
        kind: configMaps,
        store: this.configMaps,
        selection,
        transform: withoutManagedFields,
      }),
    ];
  }

  #reflector<T extends KubeObject>(options: Omit<ReflectorOptions<T>, 'api' | 'clock' | 'onError'>): Task {
    const { api, clock } = this.#options;
    const onError = (error: KubeError, retryInMs: number) =>
      this.#options.onError(options.kind.plural, error, retryInMs);
    return new Reflector<T>({ ...options, api, clock, onError });
  }
}

/** Whether a VIP came, went or has other terms: a Service without any, before and after, is of no interest here. */
function isVipNews(event: StoreEvent<Service>): boolean {
  const facts = ({ metadata, spec, status }: Service) => {
    if (!status?.loadBalancer?.ingress?.length) return '';
    const { ingress } = status.loadBalancer;
    return JSON.stringify([metadata.deletionTimestamp, metadata.labels, metadata.annotations, spec, ingress]);
  };
  return facts(event.object) !== (event.type === 'updated' ? facts(event.previous) : '');
}

function isSameNode(a: Node, b: Node): boolean {
  const facts = ({ metadata, spec, status }: Node) =>
    JSON.stringify([metadata.labels, metadata.annotations, metadata.deletionTimestamp, spec, status]);
  return facts(a) === facts(b);
}
