// SPDX-License-Identifier: Apache-2.0
/**
 * What the speaker knows of the cluster: Services, Nodes and the pool configuration that was accepted last, kept
 * current by watches.
 */
import { CONDITION_ADDRESS_ASSIGNED, CONDITION_GIVEN, LAST_GOOD_MAP, usageOf } from '@berth/core';
import {
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
  withoutManagedFields,
} from '@berth/kube';
import { type Clock, Signal, type Task } from '@berth/runtime';
import { holdsAddress, type SavedState } from './saved-state.ts';
import { kubeServiceOf, trimNode, trimService } from './trim.ts';

export interface WatchesOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly namespace: string;
}

export class Watches {
  readonly name = 'watches';
  /** Something changed that matters here. */
  readonly changes = new Signal();
  /** A watch of this kind failed. */
  readonly failures = new Signal<[what: string, error: KubeError, retryInMs: number]>();
  readonly services = new Store<Service>();
  readonly nodes = new Store<Node>();
  /** The pool configuration that the controller accepted last. */
  readonly accepted = new Store<ConfigMap>();
  readonly #options: WatchesOptions;
  #reflectors: readonly Task[] = [];
  #hasSynced = false;

  constructor(options: WatchesOptions) {
    this.#options = options;
    this.services.subscribe((event) => {
      if (isVipNews(event)) this.changes.emit();
    });
    this.accepted.subscribe(() => this.changes.emit());
    this.nodes.subscribe((event) => {
      // The kubelet writes its Node every few minutes although nothing changed that we look at.
      if (event.type !== 'updated' || !isSameNode(event.previous, event.object)) this.changes.emit();
    });
  }

  /** Resolves when everything was listed once. */
  get ready(): Promise<void> {
    return Promise.all(this.#reflectors.map((reflector) => reflector.ready)).then(() => {});
  }

  /** Whether everything was listed once. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  start(): void {
    this.#reflectors = this.#newReflectors();
    for (const reflector of this.#reflectors) reflector.start();
    void this.ready.then(() => {
      this.#hasSynced = true;
    });
  }

  /** What is known, to be saved. */
  get known(): Pick<SavedState, 'services' | 'nodes' | 'accepted'> {
    return {
      services: [...this.services.values()].filter(holdsAddress),
      nodes: [...this.nodes.values()],
      accepted: [...this.accepted.values()],
    };
  }

  /**
   * Begins with what a speaker knew before. A list of the API server takes its place, and tells the differences, as
   * soon as there is one.
   */
  remember({ services, nodes, accepted }: SavedState): void {
    // Of a store that has got its list by now, that is the truth.
    if (this.accepted.size === 0) this.accepted.replaceAll(accepted);
    if (this.nodes.size === 0) this.nodes.replaceAll(nodes);
    if (this.services.size === 0) this.services.replaceAll(services);
  }

  /**
   * Reads everything again, since what is known may be old: a watch over a cable that was pulled tells nothing and does
   * not fail. What is known stays until then. Resolves when everything was listed.
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
    const selection = { namespace: this.#options.namespace, fieldSelector: `metadata.name=${LAST_GOOD_MAP}` };
    return [
      this.#reflector<Service>({ kind: services, store: this.services, transform: trimService }),
      this.#reflector<Node>({ kind: nodes, store: this.nodes, transform: trimNode }),
      this.#reflector<ConfigMap>({
        kind: configMaps,
        store: this.accepted,
        selection,
        transform: withoutManagedFields,
      }),
    ];
  }

  #reflector<T extends KubeObject>(options: Omit<ReflectorOptions<T>, 'api' | 'clock' | 'onError'>): Task {
    const { api, clock } = this.#options;
    const onError = (error: KubeError, retryInMs: number) => this.failures.emit(options.kind.plural, error, retryInMs);
    return new Reflector<T>({ ...options, api, clock, onError });
  }
}

/**
 * Whether a VIP came, went or has other terms: a Service without any, before and after, is of no interest here. Nor is
 * it that one was announced, which this node knows as soon as anybody.
 */
function isVipNews(event: StoreEvent<Service>): boolean {
  const facts = (service: Service) => {
    const { metadata, spec, status } = service;
    if (!status?.loadBalancer?.ingress?.length) return '';
    const { ingress } = status.loadBalancer;
    const said = [metadata.deletionTimestamp, metadata.labels, metadata.annotations, spec, ingress];
    return JSON.stringify([...said, givenTextOf(service)]);
  };
  return facts(event.object) !== (event.type === 'updated' ? facts(event.previous) : '');
}

function isSameNode(a: Node, b: Node): boolean {
  const facts = ({ metadata, spec, status }: Node) =>
    JSON.stringify([metadata.labels, metadata.annotations, metadata.deletionTimestamp, spec, status]);
  return facts(a) === facts(b);
}

function givenTextOf(service: Service): string {
  const conditions = service.status?.conditions ?? [];
  const usage = usageOf(kubeServiceOf(service));
  const legacy = conditions.find(({ type }) => type === CONDITION_ADDRESS_ASSIGNED)?.status;
  const isSaid = conditions.some(({ type }) => type === CONDITION_GIVEN);
  return usage ? `${usage.loadBalancerClass} ${usage.given}` : `${isSaid} ${legacy}`;
}
