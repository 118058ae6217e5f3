// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps the conditions `berth.dev/Announced`, `berth.dev/Reachable` and `berth.dev/ServedBy` of all Services in line
 * with what the nodes say. Its patches go after all that gives Services their addresses; where such a patch is made
 * anyway, the condition goes with it.
 */
import {
  type AnnouncedFinding,
  announcedConditionOf,
  announcedFinding,
  announcedPatch,
  EMPTY_POOL_CONFIG,
  EVENT_REASONS,
  type IpAddress,
  isOurs,
  type LoadBalancerClassRule,
  METALLB_REASONS,
  ownAddressesOf,
  type PoolConfig,
  policiesOfVip,
  type ServedByFinding,
  type ServicePatch,
  shownAddressesOf,
} from '@berth/core';
import {
  type EventRecorder,
  KubeError,
  keyOf,
  type PendingResult,
  ReconcileLoop,
  type ReconcileResult,
  resultOf,
  type Service,
  type StoreEvent,
  success,
  WorkQueue,
} from '@berth/kube';
import type { Clock, Timer } from '@berth/runtime';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { NodeStateChange } from '../cluster/node-states.ts';
import { isAnnouncementChange } from '../cluster/relevant-change.ts';
import type { StatusPatcher } from '../cluster/status-patcher.ts';
import { AnnouncedGrace } from './announced-grace.ts';
import { ClaimIndex } from './claim-index.ts';
import { ReachableConditions } from './reachable-conditions.ts';
import { ServedByConditions, servedByNote } from './served-by-conditions.ts';

/** Services that wait for a test are looked at after this time, in milliseconds. */
const UNTESTED_MS = 5_000;
/** Services that nobody announces are looked at again so long after any news of a node. */
const SILENT_MS = 1_000;
/**
 * With more than so many of either kind they are looked at more rarely, so that it is no more than this in a second: in
 * a burst there are thousands.
 */
const LOOKS_PER_SECOND = 500;
/** So that no batch blocks the event loop for long. */
const MAX_BATCH = 200;
/** Keys that are put into the queue in one turn of the event loop. */
const KEYS_PER_TURN = 4_000;
const BACKOFF = { baseMs: 200, capMs: 30_000 };

export interface AnnouncementsOptions {
  readonly patcher: StatusPatcher;
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly classRule: LoadBalancerClassRule;
  /** The pools in force. */
  config(): PoolConfig | undefined;
  /** The node whose own address it is; undefined: of none. */
  nodeWith(vip: IpAddress): string | undefined;
  onFailure(key: string, error: KubeError): void;
}

/** A patch with what it says. */
interface FoundWrite {
  readonly patch: ServicePatch;
  readonly announced: AnnouncedFinding | undefined;
  readonly servedBy: ServedByFinding | undefined;
  readonly signal: AbortSignal;
}

export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #claims = new ClaimIndex();
  readonly #reach: ReachableConditions;
  readonly #servedBy: ServedByConditions;
  readonly #grace: AnnouncedGrace;
  #untestedTimer: Timer | undefined;
  #silentTimer: Timer | undefined;
  readonly #queue: WorkQueue;
  readonly #loop: ReconcileLoop;
  /** Services by the text of each of their addresses. */
  readonly #holders = new Map<string, Set<string>>();
  /** Services that are not announced, by what was found last, with the reason. */
  readonly #silent = new Map<string, AnnouncedFinding>();
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
    this.#servedBy = new ServedByConditions({
      config: () => options.config() ?? EMPTY_POOL_CONFIG,
      claimsOn: (vip) => this.#claims.claimsOn(vip),
    });
    this.#queue = new WorkQueue({ clock, backoff: BACKOFF });
    this.#loop = new ReconcileLoop({
      name: 'announcements',
      clock,
      queue: this.#queue,
      maxBatch: MAX_BATCH,
      allKeys: () => [...view.services.values()].map(keyOf),
      reconcile: (keys, signal) => this.#reconcile(keys, signal),
      onFailure: (key, result) => {
        if (result.kind === 'error' && result.error instanceof KubeError) onFailure(key, result.error);
      },
    });
  }

  /** Begins; does nothing when it has begun. */
  start(): void {
    if (this.#ends.length > 0) return;
    const { view } = this.#options;
    for (const [node, after] of view.nodeStates.reports) {
      this.#claims.take({ node, before: undefined, after });
      this.#reach.take({ node, before: undefined, after });
      this.#servedBy.take({ node, before: undefined, after });
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
    this.#addInTurns([...this.#options.view.services.values()]);
  }

  #addInTurns(services: readonly Service[]): void {
    for (const service of services.slice(0, KEYS_PER_TURN)) this.#queue.add(keyOf(service), 'low');
    const rest = services.slice(KEYS_PER_TURN);
    if (rest.length > 0) setImmediate(() => this.#addInTurns(rest));
  }

  /** What to say about a Service with these addresses; undefined: what it says is to stay for now. */
  findingFor(service: Service, addresses: readonly IpAddress[]): AnnouncedFinding | undefined {
    const present = announcedConditionOf(service);
    if (addresses.length === 0 && present === undefined) return undefined;
    const finding = this.#judge(service, addresses);
    return this.#waitMs(service, finding, addresses) === 0 ? finding : undefined;
  }

  /** Why nobody announces a Service; undefined: somebody does, or nothing was found yet. */
  reasonOf(key: string): AnnouncedFinding['reason'] | undefined {
    return this.#silent.get(key)?.reason;
  }

  /** How many Services nobody announces, by reason. */
  silent(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { reason } of this.#silent.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return counts;
  }

  // Nobody waits for the writes: one that takes long holds up no other Service.
  async #reconcile(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PendingResult>> {
    return new Map(keys.map((key) => [key, this.#bringInLine(key, signal)]));
  }

  async #bringInLine(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { view, clock } = this.#options;
    const service = view.services.get(key);
    const addresses = service && this.#isStaying(service) ? ownAddressesOf(service, this.#options.classRule) : [];
    if (!service || !this.#isStaying(service) || (addresses.length === 0 && !announcedConditionOf(service))) {
      this.#forget(key);
      return success;
    }
    const finding = this.#judge(service, addresses);
    this.#note(key, finding);
    const waitMs = this.#waitMs(service, finding, addresses);
    if (waitMs > 0) this.#queue.addAfter(key, waitMs, 'low');
    const reachable = waitMs > 0 ? undefined : this.#reach.decide(service, addresses);
    const servedBy = waitMs > 0 ? undefined : this.#servedBy.decide(service, addresses);
    const announced = waitMs > 0 ? undefined : finding;
    const patch = announcedPatch(service, { announced, reachable, servedBy }, clock.date().getTime());
    return patch === undefined ? success : this.#write(service, { patch, announced, servedBy, signal });
  }

  async #write(service: Service, { patch, announced, servedBy, signal }: FoundWrite): Promise<ReconcileResult> {
    const key = keyOf(service);
    const write = { signal, priority: 'low', yields: true, onSlow: () => this.#loop.exempt(key) } as const;
    try {
      const waitMs = await this.#options.patcher.patch(service, patch, write);
      if (waitMs > 0) {
        this.#queue.addAfter(key, waitMs, 'low');
        return success;
      }
    } catch (error) {
      return resultOf(error);
    }
    if (announced) this.tell(service, announced);
    const note = servedByNote(service, servedBy);
    if (note) this.#options.events.record(service, note);
    return success;
  }

  /** Tells people of a finding that was written to a Service, which is given as it was before. */
  tell(service: Service, { status, reason, message }: AnnouncedFinding): void {
    const { events } = this.#options;
    const before = announcedConditionOf(service);
    // Who begins to announce says so itself (nodeAssigned); that no node does, no node can say.
    if (status === 'True' || (before?.status === 'False' && before.reason === reason)) return;
    const isLoss = before?.status === 'True';
    const isStanding = reason === 'NoInterface' || reason === 'NodeAddress';
    if (isStanding || (reason === 'NoEligibleNode' && !isLoss))
      events.record(service, { type: 'Warning', reason: METALLB_REASONS.notAnnounceable, message });
    else if (isLoss && reason !== 'NoAddress')
      events.record(service, { type: 'Warning', reason: EVENT_REASONS.notAnnounced, message });
  }

  #judge(service: Service, addresses: readonly IpAddress[]): AnnouncedFinding {
    const config = this.#options.config() ?? EMPTY_POOL_CONFIG;
    return announcedFinding(
      addresses.map((vip) => {
        const claims = this.#claims.claimsOn(String(vip));
        return {
          ...{ vip, claims },
          policies: policiesOfVip(service, vip, config),
          node: this.#options.nodeWith(vip),
          contacts: this.#claims.contactsOf(claims),
          obstacles: () => this.#claims.obstaclesTo(String(vip)),
        };
      }),
    );
  }

  #waitMs(service: Service, finding: AnnouncedFinding, addresses: readonly IpAddress[]): number {
    const claims = this.#claims;
    return this.#grace.leftMs(service, finding, {
      isProven: () => addresses.every((vip) => claims.isProven(claims.claimsOn(String(vip)))),
      isWaiting: claims.isWaiting,
    });
  }

  #nodeChanged(change: NodeStateChange): void {
    const touched = [this.#claims.take(change), this.#reach.take(change), this.#servedBy.take(change)];
    for (const vip of new Set(touched.flatMap((vips) => [...vips])))
      for (const key of this.#holders.get(vip) ?? []) this.#queue.add(key, 'low');
    // In a burst there are many of both, news and Services that nobody announces yet.
    this.#silentTimer ??= this.#options.clock.after(restMs(SILENT_MS, this.#silent.size), () => {
      this.#silentTimer = undefined;
      for (const key of this.#silent.keys()) this.#queue.add(key, 'low');
    });
    // Nodes tell twice a minute how far they got; each time to look at all that waits for it would be too much.
    if (this.#reach.untested.size > 0)
      this.#untestedTimer ??= this.#options.clock.after(restMs(UNTESTED_MS, this.#reach.untested.size), () => {
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
    const addresses = ownAddressesOf(next, this.#options.classRule);
    if (this.#servedBy.isTouched(previous, next, addresses)) return true;
    const [condition, before] = [announcedConditionOf(next), announcedConditionOf(previous)];
    if (condition?.message === before?.message && condition?.status === before?.status) return false;
    const finding = this.#judge(next, addresses);
    return condition?.message !== finding.message || condition.status !== finding.status;
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

  #note(key: string, finding: AnnouncedFinding): void {
    if (finding.status === 'True') this.#silent.delete(key);
    else this.#silent.set(key, finding);
  }

  #forget(key: string): void {
    this.#silent.delete(key);
    this.#grace.forget(key);
    this.#reach.forget(key);
  }
}

function restMs(leastMs: number, count: number): number {
  return Math.max(leastMs, (count / LOOKS_PER_SECOND) * 1_000);
}
