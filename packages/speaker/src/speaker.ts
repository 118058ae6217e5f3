// SPDX-License-Identifier: Apache-2.0
/**
 * The one place where news come together: what the cluster wants, which interfaces fit and what membership says that this node owns, in;
 * what is answered and announced, out. News of the cluster are collected for a moment and then acted on as a whole; what is owned is followed
 * without looking at the cluster again.
 */
import type { IpAddress, LoadBalancerClassRule } from '@berth/core';
import type { Clock, ConfigMap, Node, Service, Timer } from '@berth/kube';
import type { Memberships } from './memberships.ts';
import type { PoolSource } from './pool-source.ts';
import type { Segment } from './segments.ts';
import { WantedCache } from './wanted-cache.ts';
import type { WantedVip } from './wanted-vips.ts';
import type { ServedVip, Wire } from './wire.ts';

/**
 * After a look at everything the next one, for news of the cluster, waits this many times as long as it took: thousands of
 * Services that change one after the other cost a twentieth of a core at most. A single change is acted on at once.
 */
const REST_FACTOR = 19;
/** Longest wait for news of the cluster, in milliseconds, and for VIPs that nobody answered for before. */
const MAX_REST_MS = { look: 1_000, answer: 100 } as const;
/** An interface that could not be opened is tried again after this time, in milliseconds: news that would do so may not come for hours. */
const ATTACH_AGAIN_MS = 2_000;

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
  readonly memberships: Pick<Memberships, 'open' | 'want' | 'owned' | 'close'>;
  readonly classRule: LoadBalancerClassRule;
  readonly wire: Wire;
  /** Listens for questions for all VIPs, so that those who asked can be told of a takeover. */
  readonly audience: { listen(vips: readonly IpAddress[], ifindexes: readonly number[]): void };
  /** Reads the cluster anew. */
  refresh(): Promise<void>;
  readonly clock: Clock;
  /** Told what is served after each change, and what was served before. */
  onServed(now: readonly ServedVip[], before: readonly ServedVip[]): void;
}

export class Speaker {
  readonly name = 'speaker';
  readonly #options: SpeakerOptions;
  readonly #wishes: WantedCache;
  /** Indexes of the interfaces that fitted when links last changed. */
  #fitting: ReadonlySet<number> = new Set();
  #state: 'starting' | 'live' | 'stopped' = 'starting';
  #served: readonly ServedVip[] = [];
  #wanted: readonly WantedVip[] = [];
  readonly #planned: { look: Timer | undefined; answer: Timer | undefined } = { look: undefined, answer: undefined };
  #attachAgain: Timer | undefined;
  /** When news of the cluster are looked at, and new VIPs answered, at the earliest; on the clock. */
  readonly #restsUntilMs = { look: 0, answer: 0 };

  constructor(options: SpeakerOptions) {
    this.#options = options;
    this.#wishes = new WantedCache(options.classRule);
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  get served(): readonly ServedVip[] {
    return this.#served;
  }

  /** What the cluster wanted when it was looked at last. */
  get wanted(): readonly WantedVip[] {
    return this.#wanted;
  }

  /** Begins to take part. The cluster and the interfaces must be known by now. */
  start(): void {
    this.#state = 'live';
    this.#fitting = this.#fittingNow();
    this.#options.memberships.open();
    this.#look();
  }

  /** News of the cluster; they can wait a moment. */
  clusterChanged(): void {
    this.#plan('look', () => this.#look());
  }

  /** What this node owns has changed; followed before this returns. */
  ownershipChanged(): void {
    this.#answer();
  }

  /** A VIP that nobody answers for yet may be answered from now on. A single one is at once; of many in a row several together. */
  mayAnswerMore(): void {
    this.#plan('answer', () => this.#answer());
  }

  /**
   * News of the interfaces: what is gone is left at once, what came is joined. Over a cable that was pulled a watch tells nothing and does
   * not fail, so when one is back the cluster is read anew; heartbeats tell who owns what meanwhile.
   */
  linksChanged(): void {
    if (this.#state !== 'live') return;
    const before = this.#fitting;
    this.#fitting = this.#fittingNow();
    this.#look();
    if ([...this.#fitting].some((ifindex) => !before.has(ifindex))) void this.#options.refresh();
  }

  /** Stops winning, then answering. Nothing is answered any more when it returns. */
  stop(): void {
    this.#state = 'stopped';
    this.#options.wire.silence();
    this.#options.audience.listen([], []);
    this.#options.memberships.close();
    this.#tell([]);
  }

  #fittingNow(): Set<number> {
    return new Set(this.#options.segments().map(({ ifindex }) => ifindex));
  }

  #look(): void {
    if (this.#state !== 'live') return;
    const { cluster, pools, memberships, clock } = this.#options;
    const startMs = clock.now();
    const [configMap] = cluster.configMaps.values();
    pools.update(configMap);
    const wanted = this.#wishes.of(cluster.services.values(), pools.config);
    this.#wanted = wanted;
    memberships.want(wanted, cluster.nodes.values());
    this.#listen(wanted.map(({ vip }) => vip));
    this.#answer();
    this.#rest('look', startMs);
  }

  #plan(what: 'look' | 'answer', act: () => void): void {
    if (this.#state !== 'live') return;
    const { clock } = this.#options;
    this.#planned[what] ??= clock.after(Math.max(0, this.#restsUntilMs[what] - clock.now()), () => {
      this.#planned[what] = undefined;
      act();
    });
  }

  #rest(after: 'look' | 'answer', startMs: number): void {
    const endMs = this.#options.clock.now();
    this.#restsUntilMs[after] = endMs + Math.min(MAX_REST_MS[after], REST_FACTOR * (endMs - startMs));
  }

  #answer(): void {
    this.#planned.answer?.cancel();
    this.#planned.answer = undefined;
    if (this.#state !== 'live') return;
    const { memberships, wire, clock } = this.#options;
    const startMs = clock.now();
    const segments = this.#options.segments();
    this.#tell(wire.apply(segments, memberships.owned()));
    this.#rest('answer', startMs);
    if (wire.segments.length === segments.length) return;
    this.#attachAgain ??= clock.after(ATTACH_AGAIN_MS, () => {
      this.#attachAgain = undefined;
      this.#answer();
    });
  }

  #listen(vips: readonly IpAddress[]): void {
    const ifindexes = this.#options.segments().map(({ ifindex }) => ifindex);
    this.#options.audience.listen(vips, ifindexes);
  }

  #tell(served: readonly ServedVip[]): void {
    const before = this.#served;
    this.#served = served;
    this.#options.onServed(served, before);
  }
}
