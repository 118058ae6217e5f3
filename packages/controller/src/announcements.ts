// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps the conditions `berth.dev/Announced` and `berth.dev/Reachable` of all Services in line with what the nodes say. Its patches go after all that gives
 * Services their addresses; where such a patch is made anyway, the condition goes with it.
 */
import {
  type AnnouncedVerdict,
  announcedConditionOf,
  announcedPatch,
  announcedVerdict,
  EMPTY_POOL_CONFIG,
  type IpAddress,
  isOurs,
  type LoadBalancerClassRule,
  type PoolConfig,
  policiesOfVip,
  shownAddressesOf,
} from '@berth/core';
import {
  type ApiBudget,
  type Clock,
  type EventRecorder,
  type KubeApi,
  keyOf,
  ReconcileLoop,
  type ReconcileResult,
  resultOf,
  type Service,
  type StoreEvent,
  services,
  success,
  type Timer,
  WorkQueue,
} from '@berth/kube';
import { AnnouncedGrace } from './announced-grace.ts';
import { ClaimIndex } from './claim-index.ts';
import type { ClusterView } from './cluster-view.ts';
import type { NodeStateChange } from './node-states.ts';
import { ReachableConditions } from './reachable-conditions.ts';
import { isAnnouncementChange } from './relevant-change.ts';

/** Services that wait for a test are looked at after this time, in milliseconds. */
const UNTESTED_MS = 5_000;
/** Services that nobody announces are looked at again so long after any news of a node. */
const SILENT_MS = 1_000;
const MAX_BATCH = 500;
const BACKOFF = { baseMs: 200, capMs: 30_000 };

export interface AnnouncementsOptions {
  readonly api: KubeApi;
  readonly budget: ApiBudget;
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly classRule: LoadBalancerClassRule;
  /** The pools in force. */
  config(): PoolConfig | undefined;
  onPatch(patched: Service): void;
  onFailure(key: string, error: unknown): void;
}

export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #claims = new ClaimIndex();
  readonly #reach: ReachableConditions;
  readonly #grace: AnnouncedGrace;
  #untestedTimer: Timer | undefined;
  #silentTimer: Timer | undefined;
  readonly #queue: WorkQueue;
  readonly #loop: ReconcileLoop;
  /** Services by the text of each of their addresses. */
  readonly #holders = new Map<string, Set<string>>();
  /** Services that are not announced, by what was found last, with the reason. */
  readonly #silent = new Map<string, AnnouncedVerdict>();
  #ends: readonly (() => void)[] = [];

  constructor(options: AnnouncementsOptions) {
    const { clock, view, onFailure } = options;
    this.#options = options;
    this.#grace = new AnnouncedGrace(clock);
    this.#reach = new ReachableConditions({
      clock,
      reports: () => view.nodeStates.reports,
      claimsOn: (vip) => this.#claims.claimsOn(vip),
    });
    this.#queue = new WorkQueue({ clock, backoff: BACKOFF });
    this.#loop = new ReconcileLoop({
      name: 'announcements',
      queue: this.#queue,
      maxBatch: MAX_BATCH,
      allKeys: () => [...view.services.values()].map(keyOf),
      reconcile: (keys, signal) => this.#reconcile(keys, signal),
      onFailure: (key, result) => {
        if (result.kind === 'error' || result.kind === 'error-no-retry') onFailure(key, result.error);
      },
    });
  }

  start(): void {
    const { view } = this.#options;
    for (const [node, after] of view.nodeStates.reports) {
      this.#claims.take({ node, before: undefined, after });
      this.#reach.take({ node, before: undefined, after });
    }
    for (const service of view.services.values()) {
      this.#reach.believe(service);
      this.#hold(service, 'add');
    }
    this.#ends = [
      view.nodeStates.subscribe((change) => this.#nodeChanged(change)),
      view.services.subscribe((event) => this.#serviceChanged(event)),
    ];
    this.everythingChanged();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    for (const end of this.#ends) end();
    this.#untestedTimer?.cancel();
    this.#silentTimer?.cancel();
    this.#queue.shutDown();
    await this.#loop.stop();
  }

  /** Policies or anything else that all Services depend on changed. */
  everythingChanged(): void {
    for (const service of this.#options.view.services.values()) this.#queue.add(keyOf(service), 'low');
  }

  /** What to say about a Service with these addresses; undefined: what it says is to stay for now. */
  verdictFor(service: Service, addresses: readonly IpAddress[]): AnnouncedVerdict | undefined {
    const present = announcedConditionOf(service);
    if (addresses.length === 0 && present === undefined) return undefined;
    const verdict = this.#judge(service, addresses);
    return this.#waitMs(service, verdict, addresses) === 0 ? verdict : undefined;
  }

  /** How many Services nobody announces, by reason. */
  silent(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { reason } of this.#silent.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return counts;
  }

  async #reconcile(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, ReconcileResult>> {
    const written = keys.map(async (key) => [key, await this.#bringInLine(key, signal)] as const);
    return new Map(await Promise.all(written));
  }

  async #bringInLine(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { view, clock } = this.#options;
    const service = view.services.get(key);
    const addresses = service && this.#isStaying(service) ? shownAddressesOf(service) : [];
    if (!service || !this.#isStaying(service) || (addresses.length === 0 && !announcedConditionOf(service))) {
      this.#forget(key);
      return success;
    }
    const verdict = this.#judge(service, addresses);
    this.#note(key, verdict);
    const waitMs = this.#waitMs(service, verdict, addresses);
    if (waitMs > 0) this.#queue.addAfter(key, waitMs, 'low');
    const reachable = waitMs > 0 ? undefined : this.#reach.decide(service, addresses);
    const verdicts = { announced: waitMs > 0 ? undefined : verdict, reachable };
    const patch = announcedPatch(service, verdicts, clock.date().getTime());
    return patch === undefined ? success : this.#write(service, { patch, verdict: verdicts.announced, signal });
  }

  async #write(
    service: Service,
    {
      patch,
      verdict,
      signal,
    }: { readonly patch: unknown; readonly verdict: AnnouncedVerdict | undefined; readonly signal: AbortSignal },
  ): Promise<ReconcileResult> {
    const { api, budget, onPatch } = this.#options;
    const { namespace = '', name } = service.metadata;
    const options = { subresource: 'status', signal } as const;
    const call = () => api.patch(services, { namespace, name }, { type: 'merge', body: patch }, options);
    try {
      onPatch(await budget.run(call, { signal, priority: 'low' }));
    } catch (error) {
      return resultOf(error);
    }
    if (verdict) this.#tell(service, verdict);
    return success;
  }

  // Who begins to announce tells so itself (nodeAssigned); that nobody does, nobody else can tell.
  #tell(service: Service, { status, reason, message }: AnnouncedVerdict): void {
    const { events } = this.#options;
    const before = announcedConditionOf(service);
    if (status === 'True' || (before?.status === 'False' && before.reason === reason)) return;
    const isLoss = before?.status === 'True';
    if (reason === 'NoInterface') events.record(service, { type: 'Warning', reason: 'announceFailed', message });
    else if (isLoss && reason !== 'NoAddress')
      events.record(service, { type: 'Warning', reason: 'notAnnounced', message });
  }

  #judge(service: Service, addresses: readonly IpAddress[]): AnnouncedVerdict {
    const config = this.#options.config() ?? EMPTY_POOL_CONFIG;
    return announcedVerdict(
      addresses.map((vip) => ({
        vip,
        policies: policiesOfVip(service, vip, config),
        claims: this.#claims.claimsOn(String(vip)),
        obstacles: () => this.#claims.obstaclesTo(String(vip)),
      })),
    );
  }

  #waitMs(service: Service, verdict: AnnouncedVerdict, addresses: readonly IpAddress[]): number {
    const claims = this.#claims;
    return this.#grace.leftMs(service, verdict, {
      isProven: () => addresses.every((vip) => claims.isProven(claims.claimsOn(String(vip)))),
      isWaiting: claims.isWaiting,
    });
  }

  #nodeChanged(change: NodeStateChange): void {
    for (const vip of [...this.#claims.take(change), ...this.#reach.take(change)])
      for (const key of this.#holders.get(vip) ?? []) this.#queue.add(key, 'low');
    // In a burst there are many of both, news and Services that nobody announces yet.
    this.#silentTimer ??= this.#options.clock.after(SILENT_MS, () => {
      this.#silentTimer = undefined;
      for (const key of this.#silent.keys()) this.#queue.add(key, 'low');
    });
    // Nodes tell twice a minute how far they got; each time to look at all that waits for it would be too much.
    if (this.#reach.untested.size > 0)
      this.#untestedTimer ??= this.#options.clock.after(UNTESTED_MS, () => {
        this.#untestedTimer = undefined;
        for (const key of this.#reach.untested) this.#queue.add(key, 'low');
      });
  }

  #serviceChanged(event: StoreEvent<Service>): void {
    const { object } = event;
    const key = keyOf(object);
    if (event.type === 'updated') this.#hold(event.previous, 'delete');
    this.#hold(object, event.type === 'deleted' ? 'delete' : 'add');
    const isNew =
      event.type === 'added' || (event.type === 'updated' && event.previous.metadata.uid !== object.metadata.uid);
    if (event.type === 'deleted' || isNew) this.#forget(key);
    if (isNew) this.#reach.believe(object);
    if (event.type === 'deleted') return;
    if (event.type === 'added' || isAnnouncementChange(event.previous, object)) this.#queue.add(key, 'low');
    else if (this.#isTouched(event.previous, object)) this.#queue.add(key, 'low');
  }

  // Our own mark comes back with the watch and is no work; somebody else's is.
  #isTouched(previous: Service, next: Service): boolean {
    if (this.#reach.isTouched(previous, next)) return true;
    const [condition, before] = [announcedConditionOf(next), announcedConditionOf(previous)];
    if (condition?.message === before?.message && condition?.status === before?.status) return false;
    const verdict = this.#judge(next, shownAddressesOf(next));
    return condition?.message !== verdict.message || condition.status !== verdict.status;
  }

  #hold(service: Service, change: 'add' | 'delete'): void {
    for (const vip of shownAddressesOf(service)) {
      const keys = this.#holders.get(String(vip)) ?? new Set();
      keys[change](keyOf(service));
      if (keys.size > 0) this.#holders.set(String(vip), keys);
      else this.#holders.delete(String(vip));
    }
  }

  #isStaying(service: Service): boolean {
    return isOurs(service, this.#options.classRule) && service.metadata.deletionTimestamp === undefined;
  }

  #note(key: string, verdict: AnnouncedVerdict): void {
    if (verdict.status === 'True') this.#silent.delete(key);
    else this.#silent.set(key, verdict);
  }

  #forget(key: string): void {
    this.#silent.delete(key);
    this.#grace.forget(key);
    this.#reach.forget(key);
  }
}
