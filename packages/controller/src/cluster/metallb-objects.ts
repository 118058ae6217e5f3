// SPDX-License-Identifier: Apache-2.0
/**
 * The IPAddressPool and L2Advertisement objects of MetalLB, where its CRDs are and its controller is not at work: two
 * products that give from the same pools would give addresses twice. An API server without the CRDs is asked again now
 * and then (docs/design/0060-metallb-objects.md).
 */
import { isLabelledMetallb, type MetallbObject, metallbObjectsText } from '@berth/core';
import {
  type Deployment,
  deployments,
  isKubeError,
  type KubeApi,
  type KubeError,
  type KubeObject,
  type MetallbConfig,
  metallbAdvertisements,
  metallbPools,
  Reflector,
  type Resource,
  Store,
} from '@berth/kube';
import { type Clock, Signal, type Task, type Timer } from '@berth/runtime';
import type { MetallbSource } from '../pools/metallb-source.ts';

/** So long after the API server said that there is nothing to be read it is asked again, in milliseconds. */
const ASK_AGAIN_MS = 600_000;
/** Changes that come together are looked at together, in milliseconds. */
const COLLECT_MS = 50;
/**
 * With a CRD or a namespace objects go one by one: a deletion is looked at when there was none for so long, in
 * milliseconds.
 */
const SETTLE_MS = 3_000;

export interface MetallbObjectsOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Where the objects are; undefined: they are not read at all. */
  readonly namespace: string | undefined;
}

export class MetallbObjects implements Task {
  readonly name = 'objects of MetalLB';
  /** Each failure of a server that knows the kinds. */
  readonly failures = new Signal<[what: string, error: KubeError, retryInMs: number]>();
  /** Resolves when it is known whether there are any, or the API server was asked once in vain. */
  readonly ready: Promise<void>;
  readonly #options: MetallbObjectsOptions;
  readonly #pools = new Store<MetallbConfig>();
  readonly #advertisements = new Store<MetallbConfig>();
  readonly #deployments = new Store<Deployment>();
  readonly #changes = new Signal();
  #current: MetallbSource;
  #reflectors: readonly Reflector<KubeObject>[] = [];
  #markReady: () => void = () => {};
  #look: Timer | undefined;
  #question: Timer | undefined;
  #isStopped = false;
  /** Ends when reflectors that were given up have ended. */
  #ending: Promise<unknown> = Promise.resolve();

  constructor(options: MetallbObjectsOptions) {
    this.#options = options;
    this.#current = options.namespace === undefined ? { kind: 'unread', why: 'Off' } : { kind: 'unknown' };
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
    for (const store of [this.#pools, this.#advertisements])
      store.subscribe(({ type }) => this.#lookIn(type === 'deleted' ? SETTLE_MS : COLLECT_MS));
    // Who removes all of MetalLB at once removes its objects a moment later: they are not to be taken over for that
    // moment.
    this.#deployments.subscribe(() => this.#lookIn(this.#isHeldBack ? SETTLE_MS : COLLECT_MS));
  }

  /** What is known of them; it changes only when listeners are called. */
  get current(): MetallbSource {
    return this.#current;
  }

  /** Calls `listener` after each change; returns the function that ends it. */
  subscribe(listener: () => void): () => void {
    return this.#changes.subscribe(listener);
  }

  start(): void {
    if (this.#options.namespace === undefined) {
      this.#markReady();
      return;
    }
    // One question where there are no CRDs; the other kinds are asked for once this one is known.
    const pools = this.#reflector(metallbPools, this.#pools);
    this.#reflectors = [pools];
    void pools.ready.then(() => this.#startOthers(pools));
    pools.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#look?.cancel();
    this.#question?.cancel();
    await Promise.all([this.#ending, ...this.#reflectors.map((reflector) => reflector.stop())]);
  }

  get #isHeldBack(): boolean {
    return this.#current.kind === 'unread' && this.#current.why === 'MetallbRuns';
  }

  #startOthers(pools: Reflector<KubeObject>): void {
    if (this.#isStopped || !this.#reflectors.includes(pools)) return;
    const others = [
      this.#reflector(metallbAdvertisements, this.#advertisements),
      this.#reflector(deployments, this.#deployments),
    ];
    this.#reflectors = [pools, ...others];
    for (const other of others) {
      void other.ready.then(() => this.#lookIn(COLLECT_MS));
      other.start();
    }
  }

  #reflector<T extends KubeObject>(kind: Resource<T>, store: Store<T>): Reflector<KubeObject> {
    const { api, clock, namespace = '' } = this.#options;
    const reflector: Reflector<T> = new Reflector<T>({
      ...{ api, clock, kind, store, selection: { namespace } },
      onError: (error, retryInMs) => this.#failed(kind.plural, error, retryInMs),
    });
    return reflector as unknown as Reflector<KubeObject>;
  }

  // What was known stays: an API server that fails for a moment has not lost its objects.
  #failed(what: string, error: KubeError, retryInMs: number): void {
    if (!isKubeError(error, 'not-found', 'forbidden')) {
      this.#markReady();
      this.failures.emit(what, error, retryInMs);
      return;
    }
    if (this.#isStopped || this.#reflectors.length === 0) return;
    this.#ending = Promise.all([this.#ending, ...this.#reflectors.map((reflector) => reflector.stop())]);
    this.#reflectors = [];
    for (const store of [this.#pools, this.#advertisements, this.#deployments]) store.replaceAll([]);
    this.#look?.cancel();
    this.#publish({ kind: 'unread', why: error.code === 'forbidden' ? 'Forbidden' : 'NoCrds' });
    this.#question = this.#options.clock.after(ASK_AGAIN_MS, () => this.start());
  }

  /** Looks at what there is after a while; a deletion puts it off. */
  #lookIn(delayMs: number): void {
    if (this.#isStopped || (this.#look !== undefined && delayMs < SETTLE_MS)) return;
    this.#look?.cancel();
    this.#look = this.#options.clock.after(delayMs, () => {
      this.#look = undefined;
      if (this.#reflectors.length > 1 && this.#reflectors.every(({ hasSynced }) => hasSynced))
        this.#publish(this.#seen());
    });
  }

  #seen(): MetallbSource {
    if ([...this.#deployments.values()].some(isMetallbAtWork)) return { kind: 'unread', why: 'MetallbRuns' };
    const objects = [
      ...[...this.#pools.values()].map((object) => objectOf('IPAddressPool', object)),
      ...[...this.#advertisements.values()].map((object) => objectOf('L2Advertisement', object)),
    ];
    return { kind: 'read', text: metallbObjectsText(objects) };
  }

  #publish(next: MetallbSource): void {
    this.#current = next;
    this.#markReady();
    this.#changes.emit();
  }
}

// What is being deleted counts as gone: its finalizer may take any time.
function objectOf(kind: MetallbObject['kind'], { metadata, spec }: MetallbConfig): MetallbObject {
  return { kind, metadata, spec };
}

// By intent, not by its pods: a rollout or a crash of MetalLB is no reason to take over.
function isMetallbAtWork({ metadata: { labels }, spec }: Deployment): boolean {
  return isLabelledMetallb(labels, 'controller') && (spec?.replicas ?? 1) > 0;
}
