// SPDX-License-Identifier: Apache-2.0
/**
 * Decides about batches of Services, one batch after the other, and returns a decision only when the ledger holds it. A
 * batch is one draft and one compare-and-swap; when somebody else was faster, ledger and Services are read anew and the
 * whole batch is decided again.
 */
import {
  type AdoptionReport,
  Allocator,
  compareText,
  type Decision,
  type IpAddress,
  isOurs,
  type LedgerProblem,
  type LoadBalancerClassRule,
  readServiceRequest,
  type ServiceKey,
  type Surroundings,
  wasAnnounced,
} from '@berth/core';
import { type Clock, isKubeError, keyOf, type Service, sleep } from '@berth/kube';
import type { ClusterView } from './cluster-view.ts';
import type { Ledger } from './ledger.ts';
import type { Quarantines } from './quarantines.ts';

/** Lost races after which a batch is given back as failed; its Services come again with growing delay. */
const MAX_ATTEMPTS = 20;

/** What to do about one Service, now that the ledger holds it. */
export type Verdict =
  | { readonly kind: 'assign'; readonly service: Service; readonly decision: Decision }
  /** It is not ours or is being deleted. While `isHeld` its status has to be emptied before the ledger lets go. */
  | { readonly kind: 'remove'; readonly service: Service; readonly isHeld: boolean; readonly isOurs: boolean }
  | { readonly kind: 'gone' }
  /** Nothing is known to be wanted yet. */
  | { readonly kind: 'wait' };

export interface Round {
  readonly verdicts: ReadonlyMap<ServiceKey, Verdict>;
  /** Whether the ledger was written: somebody who waits may have a chance now. */
  readonly isChange: boolean;
  /** Whether the ledger was read anew: every Service deserves a look. */
  readonly isReloaded: boolean;
}

export interface Reload {
  readonly problems: readonly LedgerProblem[];
  readonly adoption: AdoptionReport;
}

export interface AllocationOptions {
  readonly view: ClusterView;
  readonly ledger: Ledger;
  readonly classRule: LoadBalancerClassRule;
  readonly clock: Clock;
  readonly surroundings: Surroundings;
  readonly quarantines: Pick<Quarantines, 'apply' | 'committed'>;
  readonly random?: () => number;
  /** Told after the ledger was read and statuses were taken over. */
  onReload(reload: Reload): void;
  /** Told when a compare-and-swap failed and the batch is decided again. */
  onLostRace(): void;
  onLedgerWrite(): void;
}

export class Allocation {
  readonly allocator: Allocator;
  readonly #options: AllocationOptions;
  #surroundings: Surroundings;
  #mustReload = true;
  /** Ends when the last batch has ended: batches are decided one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: AllocationOptions) {
    this.#options = options;
    this.#surroundings = options.surroundings;
    this.allocator = new Allocator(options.surroundings);
  }

  /** Takes effect with the next batch: each batch sees one snapshot. */
  setSurroundings(surroundings: Surroundings): void {
    this.#surroundings = surroundings;
  }

  /**
   * Looks at a version of the ledger that was seen (undefined: an object was deleted); true when somebody else made it, and
   * so the ledger is read anew before the next batch. Our own may be seen before its answer has come, hence the waiting.
   */
  async isForeign(version: string | undefined): Promise<boolean> {
    await this.#last;
    if (this.#options.ledger.isKnown(version)) return false;
    this.#mustReload = true;
    return true;
  }

  /** Decides about the Services with these keys. Rejects with a KubeError when the ledger cannot be read or written. */
  decide(keys: readonly ServiceKey[], signal: AbortSignal): Promise<Round> {
    const round = this.#last.then(() => this.#decide(keys, signal));
    this.#last = round.catch(() => {});
    return round;
  }

  async #decide(keys: readonly ServiceKey[], signal: AbortSignal): Promise<Round> {
    let isReloaded = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        isReloaded = (await this.#reloadIfNeeded(signal)) || isReloaded;
        const { verdicts, isChange } = await this.#try(keys, signal);
        return { verdicts, isChange, isReloaded };
      } catch (error) {
        // Whatever failed, whether the server made the write is not known for sure.
        this.#mustReload = true;
        const isLostRace = isKubeError(error, 'conflict', 'already-exists', 'not-found');
        if (!isLostRace || attempt === MAX_ATTEMPTS) throw error;
        this.#options.onLostRace();
        // Two that race would meet again and again if they came back at once.
        await sleep(this.#options.clock, attempt * 20 * (this.#options.random ?? Math.random)(), signal);
      }
    }
  }

  async #try(keys: readonly ServiceKey[], signal: AbortSignal): Promise<Pick<Round, 'verdicts' | 'isChange'>> {
    this.allocator.setSurroundings(this.#surroundings);
    const nowMs = this.#options.clock.date().getTime();
    const verdicts = new Map<ServiceKey, Verdict>();
    const moving = this.#options.quarantines.apply(this.allocator, nowMs);
    // What becomes free goes first, so that those who wait in the same batch get it; then the oldest first.
    for (const { key, service } of this.#inOrder(new Set([...keys, ...moving])))
      verdicts.set(key, this.#judge(key, service, nowMs));
    const writes = this.allocator.writes();
    const versions = writes.length === 0 ? [] : await this.#options.ledger.write(writes, signal);
    this.allocator.commit(versions);
    this.#options.quarantines.committed(this.allocator);
    if (writes.length > 0) this.#options.onLedgerWrite();
    return { verdicts, isChange: writes.length > 0 };
  }

  #inOrder(keys: ReadonlySet<ServiceKey>): readonly Item[] {
    const items = [...keys].map((key) => {
      const service = this.#options.view.services.get(key);
      const isStaying = service !== undefined && this.#isStaying(service);
      return { key, service, rank: isStaying ? (service.metadata.creationTimestamp ?? '') : '' };
    });
    return items.sort((a, b) => compareText(a.rank, b.rank) || compareText(a.key, b.key));
  }

  #isStaying(service: Service): boolean {
    return isOurs(service, this.#options.classRule) && service.metadata.deletionTimestamp === undefined;
  }

  #judge(key: ServiceKey, service: Service | undefined, nowMs: number): Verdict {
    if (service === undefined) {
      this.allocator.release(key, nowMs);
      return { kind: 'gone' };
    }
    if (!this.#isStaying(service)) return this.#judgeLeaving(key, service, nowMs);
    const request = readServiceRequest(service);
    // No cluster IP yet: nothing to do and nothing to warn about.
    if (request === undefined) return { kind: 'wait' };
    return { kind: 'assign', service, decision: this.allocator.decide(request, nowMs) };
  }

  #judgeLeaving(key: ServiceKey, service: Service, nowMs: number): Verdict {
    const isShown = (service.status?.loadBalancer?.ingress ?? []).length > 0;
    if (!isShown) this.allocator.release(key, nowMs);
    const isHeld = this.allocator.addressesOf(key).length > 0;
    return { kind: 'remove', service, isHeld, isOurs: isOurs(service, this.#options.classRule) };
  }

  async #reloadIfNeeded(signal: AbortSignal): Promise<boolean> {
    if (!this.#mustReload) return false;
    const { view, ledger, clock, onReload } = this.#options;
    // Ledger first, Services second: whoever is in this ledger and still exists is then among these Services.
    const objects = await ledger.read(signal);
    await view.refreshServices(signal);
    this.#mustReload = false;
    this.allocator.setSurroundings(this.#surroundings);
    const problems = this.allocator.reset(objects);
    const nowMs = clock.date().getTime();
    const used = (key: ServiceKey, address: IpAddress) => wasAnnounced(view.services.get(key) ?? {}, address, nowMs);
    const adoption = this.allocator.adopt({ ...this.#allServices(), nowMs, wasAnnounced: used });
    onReload({ problems, adoption });
    return true;
  }

  #allServices() {
    const requests = [];
    const departing = [];
    for (const service of this.#options.view.services.values()) {
      const request = this.#isStaying(service) ? readServiceRequest(service) : undefined;
      if (request === undefined) departing.push(keyOf(service));
      else requests.push(request);
    }
    return { requests, departing };
  }
}

interface Item {
  readonly key: ServiceKey;
  readonly service: Service | undefined;
}
