// SPDX-License-Identifier: Apache-2.0
/**
 * Brings what the cluster wants to the announcement protocol. News of the cluster are collected for a moment and then
 * acted on as a whole.
 */
import type { LoadBalancerClassRule } from '@berth/core';
import type { ConfigMap, Node, Service } from '@berth/kube';
import { type Clock, Signal, type Timer } from '@berth/runtime';
import type { AnnouncementProtocol } from './announcement-protocol.ts';
import type { PoolSource } from './cluster/pool-source.ts';
import { WantedCache } from './cluster/wanted-cache.ts';
import type { WantedVip } from './cluster/wanted-vips.ts';
import { type AddressOwner, type Sorted, withoutForbidden } from './layer2/forbidden-addresses.ts';
import { restAfter } from './rest.ts';

/** Longest wait for news of the cluster, in milliseconds. */
const MAX_REST_MS = 1_000;

/** What is known of the cluster; `watches` is. */
export interface ClusterView {
  readonly services: { values(): Iterable<Service> };
  readonly nodes: { values(): Iterable<Node> };
  /** The configuration that the controller accepted last. */
  readonly accepted: { values(): Iterable<ConfigMap> };
}

export interface SpeakerOptions {
  readonly cluster: ClusterView;
  readonly pools: PoolSource;
  readonly protocol: Pick<AnnouncementProtocol, 'start' | 'want' | 'stop'>;
  readonly classRule: LoadBalancerClassRule;
  /** Owners of the addresses that are never answered for, by address; asked at each look. */
  forbidden(): ReadonlyMap<string, AddressOwner>;
  readonly clock: Clock;
}

export class Speaker {
  readonly name = 'speaker';
  /** Addresses that were not refused when the cluster was looked at before. */
  readonly refusals = new Signal<[refused: Sorted['refused']]>();
  /** The cluster was looked at. */
  readonly looks = new Signal();
  readonly #options: SpeakerOptions;
  readonly #wishes: WantedCache;
  #state: 'starting' | 'live' | 'stopped' = 'starting';
  #wanted: readonly WantedVip[] = [];
  #refused: Sorted['refused'] = [];
  #planned: Timer | undefined;
  /** When news of the cluster are looked at, at the earliest; on the clock. */
  #restsUntilMs = 0;

  constructor(options: SpeakerOptions) {
    this.#options = options;
    this.#wishes = new WantedCache(options.classRule);
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  /** What the cluster wanted when it was looked at last. */
  get wanted(): readonly WantedVip[] {
    return this.#wanted;
  }

  /** What the cluster wants that is a node's own or a gateway's, when it was looked at last. */
  get refused(): Sorted['refused'] {
    return this.#refused;
  }

  /** Begins to take part. The cluster and the interfaces must be known by now. */
  start(): void {
    this.#state = 'live';
    this.#options.protocol.start();
    this.#look();
  }

  /** News of the cluster; they can wait a moment. */
  clusterChanged(): void {
    if (this.#state !== 'live') return;
    const { clock } = this.#options;
    this.#planned ??= clock.after(Math.max(0, this.#restsUntilMs - clock.now()), () => {
      this.#planned = undefined;
      this.#look();
    });
  }

  /** News of the interfaces: what is gone is left at once, what came is joined. */
  linksChanged(): void {
    this.#look();
  }

  /** Ends at once. Nothing is served any more when it returns. */
  stop(): void {
    this.#state = 'stopped';
    this.#planned?.cancel();
    this.#options.protocol.stop();
  }

  #look(): void {
    if (this.#state !== 'live') return;
    const { cluster, pools, protocol, clock } = this.#options;
    const startMs = clock.now();
    const [configMap] = cluster.accepted.values();
    pools.update(configMap);
    const wishes = this.#wishes.of(cluster.services.values(), pools.accepted);
    const { allowed: wanted, refused } = withoutForbidden(wishes, this.#options.forbidden());
    this.#wanted = wanted;
    this.#noteRefused(refused);
    protocol.want(wanted, cluster.nodes.values());
    this.looks.emit();
    this.#restsUntilMs = restAfter(startMs, clock.now(), MAX_REST_MS);
  }

  #noteRefused(refused: Sorted['refused']): void {
    const known = new Set(this.#refused.map(({ service, vip, owner }) => `${service} ${vip} ${owner}`));
    this.#refused = refused;
    const fresh = refused.filter(({ service, vip, owner }) => !known.has(`${service} ${vip} ${owner}`));
    if (fresh.length > 0) this.refusals.emit(fresh);
  }
}
