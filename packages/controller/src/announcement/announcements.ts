// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps the conditions `berth.dev/Announced`, `berth.dev/Reachable` and `berth.dev/ServedBy` of all Services in line
 * with what the nodes say. Its patches go after all that gives Services their addresses; where such a patch is made
 * anyway, the condition goes with it.
 */
import {
  type AnnouncedFinding,
  announcedConditionOf,
  announcedPatch,
  EMPTY_POOL_CONFIG,
  type IpAddress,
  isOurs,
  ownAddressesOf,
  type ServedByFinding,
  type ServicePatch,
} from '@berth/core';
import {
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
import { Signal } from '@berth/runtime';
import type { NodeStateChange } from '../cluster/node-states.ts';
import { isAnnouncementChange } from '../cluster/relevant-change.ts';
import { AddressHolders } from './address-holders.ts';
import { AnnouncedJudge } from './announced-judge.ts';
import { announcedNote } from './announced-note.ts';
import type { AnnouncementsOptions } from './announcements-options.ts';
import { ClaimIndex } from './claim-index.ts';
import { RareLooks } from './rare-looks.ts';
import { ReachableConditions } from './reachable-conditions.ts';
import { ServedByConditions, servedByNote } from './served-by-conditions.ts';
import { SilentServices } from './silent-services.ts';

/** Services that wait for a test are looked at after this time, in milliseconds. */
const UNTESTED_MS = 5_000;
/** Services that no one announces are looked at again so long after any news of a node. */
const SILENT_MS = 1_000;
/** So that no batch blocks the event loop for long. */
const MAX_BATCH = 200;
/** Keys that are put into the queue in one turn of the event loop. */
const KEYS_PER_TURN = 4_000;
const BACKOFF = { baseMs: 200, capMs: 30_000 };

/** A patch with what it says. */
interface FoundWrite {
  readonly patch: ServicePatch;
  readonly announced: AnnouncedFinding | undefined;
  readonly servedBy: ServedByFinding | undefined;
  readonly signal: AbortSignal;
}

export class Announcements {
  /** A condition of the Service with this key could not be written. */
  readonly failures = new Signal<[key: string, error: KubeError]>();
  readonly #options: AnnouncementsOptions;
  readonly #claims = new ClaimIndex();
  readonly #reach: ReachableConditions;
  readonly #servedBy: ServedByConditions;
  readonly #judge: AnnouncedJudge;
  readonly #untestedLooks: RareLooks;
  readonly #silentLooks: RareLooks;
  readonly #queue: WorkQueue;
  readonly #loop: ReconcileLoop;
  readonly #holders = new AddressHolders();
  readonly #silent = new SilentServices();
  #ends: readonly (() => void)[] = [];

  constructor(options: AnnouncementsOptions) {
    const { clock, view } = options;
    this.#options = options;
    this.#judge = new AnnouncedJudge(options, this.#claims);
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
    const look = (key: string) => this.#queue.add(key, 'low');
    this.#untestedLooks = new RareLooks({ clock, leastMs: UNTESTED_MS, look });
    this.#silentLooks = new RareLooks({ clock, leastMs: SILENT_MS, look });
    this.#loop = new ReconcileLoop({
      ...{ name: 'announcements', clock, queue: this.#queue, maxBatch: MAX_BATCH },
      allKeys: () => [...view.services.values()].map(keyOf),
      reconcile: (keys, signal) => this.#reconcile(keys, signal),
      onFailure: (key, result) => {
        if (result.kind === 'error' && result.error instanceof KubeError) this.failures.emit(key, result.error);
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
      this.#holders.add(service);
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
    this.#untestedLooks.stop();
    this.#silentLooks.stop();
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
    const finding = this.#judge.judge(service, addresses);
    return this.#judge.waitMs(service, finding, addresses) === 0 ? finding : undefined;
  }

  /** Services that no one announces, with the reason. */
  get silent(): SilentServices {
    return this.#silent;
  }

  // No one waits for the writes: one that takes long holds up no other Service.
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
    const finding = this.#judge.judge(service, addresses);
    this.#silent.note(key, finding);
    const waitMs = this.#judge.waitMs(service, finding, addresses);
    const isDue = waitMs === 0;
    if (!isDue) this.#queue.addAfter(key, waitMs, 'low');
    const reachable = isDue ? this.#reach.decide(service, addresses) : undefined;
    const servedBy = isDue ? this.#servedBy.decide(service, addresses) : undefined;
    const announced = isDue ? finding : undefined;
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

  /** Records the Event about a finding that was written to a Service, which is given as it was before. */
  tell(service: Service, finding: AnnouncedFinding): void {
    const note = announcedNote(service, finding);
    if (note) this.#options.events.record(service, note);
  }

  #nodeChanged(change: NodeStateChange): void {
    const touched = [this.#claims.take(change), this.#reach.take(change), this.#servedBy.take(change)];
    for (const vip of new Set(touched.flatMap((vips) => [...vips])))
      for (const key of this.#holders.of(vip)) this.#queue.add(key, 'low');
    // In a burst there are many of both, news and Services that no one announces yet.
    this.#silentLooks.plan(this.#silent.reasons);
    // Nodes report twice a minute how far they got; each time to look at all that waits for it would be too much.
    if (this.#reach.untested.size > 0) this.#untestedLooks.plan(this.#reach.untested);
  }

  #serviceChanged(event: StoreEvent<Service>): void {
    const { object } = event;
    const key = keyOf(object);
    const previous = event.type === 'updated' ? event.previous : undefined;
    this.#holders.delete(previous ?? object);
    const isNew = previous?.metadata.uid !== object.metadata.uid || event.type === 'added';
    if (isNew || event.type === 'deleted') this.#forget(key);
    if (event.type === 'deleted') return;
    this.#holders.add(object);
    if (isNew) this.#reach.believe(object);
    if (!previous || isAnnouncementChange(previous, object) || this.#isTouched(previous, object))
      this.#queue.add(key, 'low');
  }

  // Our own mark comes back with the watch and is no work; somebody else's is.
  #isTouched(previous: Service, next: Service): boolean {
    if (this.#reach.isTouched(previous, next)) return true;
    const addresses = ownAddressesOf(next, this.#options.classRule);
    if (this.#servedBy.isTouched(previous, next, addresses)) return true;
    const [condition, before] = [announcedConditionOf(next), announcedConditionOf(previous)];
    if (condition?.message === before?.message && condition?.status === before?.status) return false;
    const finding = this.#judge.judge(next, addresses);
    return condition?.message !== finding.message || condition.status !== finding.status;
  }

  #isStaying(service: Service): boolean {
    return isOurs(service, this.#options.classRule) && service.metadata.deletionTimestamp === undefined;
  }

  #forget(key: string): void {
    this.#silent.forget(key);
    this.#judge.forget(key);
    this.#reach.forget(key);
  }
}
