// SPDX-License-Identifier: Apache-2.0
/**
 * The one place where news come together: what the cluster wants, which interfaces fit and whether the fence holds, in; what is answered
 * and announced, out. News are collected for a moment and then acted on as a whole.
 */
import type { LoadBalancerClassRule } from '@berth/core';
import type { Clock, ConfigMap, Node, Service } from '@berth/kube';
import type { Ownership } from './ownership.ts';
import type { PoolSource } from './pool-source.ts';
import type { Segment } from './segments.ts';
import { kubeServiceOf } from './trim.ts';
import { wantedVips } from './wanted-vips.ts';
import type { ServedVip, Wire } from './wire.ts';

/**
 * After a look at everything the next one, for news of the cluster, waits this many times as long as it took: thousands of
 * Services that change one after the other cost a tenth of a core at most. A single change is acted on at once.
 */
const REST_FACTOR = 9;
/** Longest wait for news of the cluster, in milliseconds. */
const MAX_REST_MS = 1_000;

/** What is known of the cluster; `watches` is. */
export interface ClusterView {
  readonly services: { values(): Iterable<Service> };
  readonly nodes: { values(): Iterable<Node> };
  readonly configMaps: { values(): Iterable<ConfigMap> };
}

export interface SpeakerOptions {
  readonly cluster: ClusterView;
  /** The fitting interfaces of this moment. */
  segments(): readonly Segment[];
  readonly pools: PoolSource;
  readonly ownership: Pick<Ownership, 'decide'>;
  readonly classRule: LoadBalancerClassRule;
  readonly wire: Wire;
  readonly fence: { open(): void; close(): void };
  /** Resolves when what is known of the cluster is fresh. */
  refresh(): Promise<void>;
  readonly clock: Clock;
  /** Told what is served after each change, and what was served before. */
  onServed(now: readonly ServedVip[], before: readonly ServedVip[]): void;
}

export class Speaker {
  readonly name = 'speaker';
  readonly #options: SpeakerOptions;
  /** Indexes of interfaces that were usable without a break since the cluster was last read. */
  #trusted = new Set<number>();
  #state: 'starting' | 'live' | 'silent' | 'stopped' = 'starting';
  #served: readonly ServedVip[] = [];
  #isPlanned = false;
  /** When news of the cluster are looked at, at the earliest; on the clock. */
  #restsUntilMs = 0;

  constructor(options: SpeakerOptions) {
    this.#options = options;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  get served(): readonly ServedVip[] {
    return this.#served;
  }

  /** Begins to answer. The cluster and the interfaces must be known by now. */
  start(): void {
    this.#goLive();
  }

  /** News of the cluster; they can wait a moment. */
  clusterChanged(): void {
    if (this.#isPlanned || this.#state !== 'live') return;
    this.#isPlanned = true;
    const { clock } = this.#options;
    clock.after(Math.max(0, this.#restsUntilMs - clock.now()), () => {
      this.#isPlanned = false;
      this.#apply();
    });
  }

  /** What this node owns has changed; followed before this returns, since a VIP that was given up must be silent at once. */
  ownershipChanged(): void {
    this.#apply();
  }

  /** News of the interfaces: what is gone is left at once, what came back waits until the cluster was read again. */
  linksChanged(): void {
    if (this.#state !== 'live') return;
    const fitting = new Set(this.#options.segments().map(({ ifindex }) => ifindex));
    for (const ifindex of [...this.#trusted]) if (!fitting.has(ifindex)) this.#trusted.delete(ifindex);
    this.#apply();
    const fresh = [...fitting].filter((ifindex) => !this.#trusted.has(ifindex));
    if (fresh.length > 0) void this.#trustAfterRefresh(fresh);
  }

  /** The fence ran out: this node was silent for a while and others may have taken over. Everything stops until the cluster was read. */
  async fenceExpired(): Promise<void> {
    if (this.#state !== 'live') return;
    this.#state = 'silent';
    this.#options.wire.silence();
    this.#tell([]);
    await this.#options.refresh();
    if (this.#state === 'silent') this.#goLive();
  }

  /** Stops winning, then answering. Nothing is answered any more when it returns. */
  stop(): void {
    this.#state = 'stopped';
    this.#options.wire.silence();
    this.#options.fence.close();
    this.#tell([]);
  }

  #goLive(): void {
    this.#state = 'live';
    this.#trusted = new Set(this.#options.segments().map(({ ifindex }) => ifindex));
    this.#options.fence.open();
    this.#apply();
  }

  async #trustAfterRefresh(ifindexes: readonly number[]): Promise<void> {
    await this.#options.refresh();
    if (this.#state !== 'live') return;
    const fitting = new Set(this.#options.segments().map(({ ifindex }) => ifindex));
    for (const ifindex of ifindexes) if (fitting.has(ifindex)) this.#trusted.add(ifindex);
    this.#apply();
  }

  #apply(): void {
    if (this.#state !== 'live') return;
    const { cluster, pools, ownership, classRule, wire, clock } = this.#options;
    const startMs = clock.now();
    const [configMap] = cluster.configMaps.values();
    pools.update(configMap);
    const wanted = wantedVips(Array.from(cluster.services.values(), kubeServiceOf), pools.config, classRule);
    const owned = ownership.decide(wanted, cluster.nodes.values());
    const segments = this.#options.segments().filter(({ ifindex }) => this.#trusted.has(ifindex));
    this.#tell(wire.apply(segments, owned));
    const endMs = clock.now();
    this.#restsUntilMs = endMs + Math.min(MAX_REST_MS, REST_FACTOR * (endMs - startMs));
  }

  #tell(served: readonly ServedVip[]): void {
    const before = this.#served;
    this.#served = served;
    this.#options.onServed(served, before);
  }
}
