// SPDX-License-Identifier: Apache-2.0

/**
 * Leader election on a Lease. Candidates watch the Lease instead of polling it; the holder renews it. A holder that
 * cannot renew in time gives its term up before anybody else may take it. Each term has its own signal: whatever an old
 * term still cleans up has no hold on the new one.
 */

import type { Task } from '@berth/runtime';
import { Backoff, type Clock, sleep } from '@berth/runtime';
import type { KubeApi } from './api.ts';
import { classify, isKubeError, type KubeError } from './errors.ts';
import { type ObservedLease, observeLease, waitForLeaseMs } from './lease.ts';
import { LeaseRecord } from './lease-record.ts';
import { keyOf, type Lease, type ObjectName } from './object.ts';
import { Reflector } from './reflector.ts';
import { leases } from './resources.ts';
import { Store } from './store.ts';

export interface LeaderElectorOptions {
  readonly api: KubeApi;
  readonly lease: ObjectName;
  /** Unique among the candidates, e.g. the pod's name. */
  readonly identity: string;
  /** The work of one term. It must end soon after the signal is aborted; when it ends earlier the term goes on idle. */
  readonly lead: (term: AbortSignal) => Promise<void>;
  /** Seconds that a lease is good for without renewal. @default 15 */
  readonly leaseSeconds?: number;
  /** Milliseconds between renewals. @default a third of the lease */
  readonly renewEveryMs?: number;
  /** Milliseconds without a renewal after which the holder stops by itself. @default two thirds of the lease */
  readonly renewDeadlineMs?: number;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly onError?: (error: KubeError) => void;
}

/** One candidate. */
export class LeaderElector implements Task {
  readonly name = 'leader election';
  readonly ready: Promise<void>;
  readonly #options: LeaderElectorOptions;
  readonly #clock: Clock;
  readonly #store = new Store<Lease>();
  readonly #reflector: Reflector<Lease>;
  readonly #record: LeaseRecord;
  readonly #stopper = new AbortController();
  readonly #terms = new Set<Promise<void>>();
  readonly #backoff: Backoff;
  #observed: ObservedLease | undefined;
  #isFailing = false;
  #news = new AbortController();
  #term: AbortController | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#record = new LeaseRecord({ ...options, leaseSeconds: this.#leaseSeconds });
    this.#backoff = new Backoff({ baseMs: 200, capMs: 5_000, ...(options.random ? { random: options.random } : {}) });
    const { namespace, name } = options.lease;
    this.#reflector = new Reflector({
      api: options.api,
      kind: leases,
      store: this.#store,
      selection: { ...(namespace ? { namespace } : {}), fieldSelector: `metadata.name=${name}` },
      clock: this.#clock,
      ...(options.onError ? { onError: options.onError } : {}),
    });
    this.ready = this.#reflector.ready;
  }

  /** True while this candidate holds a term. */
  get isLeader(): boolean {
    return this.#term !== undefined;
  }

  /** Identity of the holder as last seen; empty when there is none. */
  get holder(): string {
    return this.#observed?.lease.spec?.holderIdentity ?? '';
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#store.subscribe((event) => {
      if (event.type === 'deleted') this.#forget();
      // Our own write is known before the watch brings it; what the watch brings late must not undo it.
      else if (!isOlder(event.object, this.#observed?.lease)) this.#observe(event.object);
    });
    this.#reflector.start();
    this.#running = this.#run(this.#stopper.signal);
  }

  /** Ends the term, waits for its work, and gives the lease back. */
  async stop(): Promise<void> {
    const wasLeader = this.isLeader;
    this.#stopper.abort();
    this.#term?.abort();
    await this.#running;
    await Promise.all(this.#terms);
    await this.#reflector.stop();
    if (wasLeader) await this.#record.release(this.#observed?.lease);
  }

  async #run(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#reflector.ready, aborted(signal)]);
    while (!signal.aborted) {
      const renewedAt = await this.#acquire(signal);
      if (renewedAt !== undefined) await this.#hold(renewedAt, signal);
    }
  }

  /** Returns the time just before the request that got the lease, or undefined after a try that did not. */
  async #acquire(signal: AbortSignal): Promise<number | undefined> {
    const waitMs = this.#observed ? waitForLeaseMs(this.#observed, this.#options.identity, this.#clock.now()) : 0;
    if (waitMs > 0) {
      await sleep(this.#clock, waitMs, AbortSignal.any([signal, this.#news.signal]));
      return undefined;
    }
    const triedAt = this.#clock.now();
    const isOurs = await this.#claim(signal);
    if (!isOurs) await sleep(this.#clock, this.#backoff.next(), signal);
    return isOurs ? triedAt : undefined;
  }

  /** Leads until the lease is lost, the deadline passes or the elector is stopped. */
  async #hold(acquiredAt: number, signal: AbortSignal): Promise<void> {
    const term = new AbortController();
    this.#term = term;
    this.#startWork(term.signal);
    let renewedAt = acquiredAt;
    const ending = AbortSignal.any([signal, term.signal]);
    while (!ending.aborted) {
      const deadline = this.#clock.after(renewedAt + this.#deadlineMs - this.#clock.now(), () => term.abort());
      await sleep(this.#clock, this.#nextRenewalMs(), ending);
      const triedAt = this.#clock.now();
      // A process that was stopped for a while finds both timers due; the deadline goes first.
      if (triedAt - renewedAt >= this.#deadlineMs) term.abort();
      if (!ending.aborted && (await this.#claim(ending))) renewedAt = triedAt;
      deadline.cancel();
      if (this.holder !== this.#options.identity) break;
    }
    this.#term = undefined;
    term.abort();
  }

  #startWork(signal: AbortSignal): void {
    const work = this.#options.lead(signal);
    this.#terms.add(work);
    void work.finally(() => this.#terms.delete(work));
  }

  get #leaseSeconds(): number {
    return this.#options.leaseSeconds ?? 15;
  }

  get #deadlineMs(): number {
    return this.#options.renewDeadlineMs ?? (this.#leaseSeconds * 2000) / 3;
  }

  #nextRenewalMs(): number {
    return this.#isFailing ? this.#backoff.next() : (this.#options.renewEveryMs ?? (this.#leaseSeconds * 1000) / 3);
  }

  /** One compare-and-swap of the Lease to our name; true when it went through. */
  async #claim(signal: AbortSignal): Promise<boolean> {
    try {
      const lease = await this.#record.claim(this.#observed?.lease, signal);
      this.#observe(lease);
      this.#backoff.reset();
      this.#isFailing = false;
      return true;
    } catch (error) {
      this.#isFailing = true;
      await this.#afterError(error, signal);
      return false;
    }
  }

  async #afterError(error: unknown, signal: AbortSignal): Promise<void> {
    const reaction = classify(error);
    if (reaction.action === 'stop') return;
    this.#options.onError?.(error as KubeError);
    if (reaction.action === 'drop') this.#forget();
    if (reaction.action !== 'refresh') return;
    try {
      this.#observe(await this.#record.read(signal));
    } catch (cause) {
      // The next round claims with the old version, fails again and comes back here.
      if (isKubeError(cause, 'not-found')) this.#forget();
      else classify(cause);
    }
  }

  /** Takes over what is so now. */
  #observe(lease: Lease): void {
    if (keyOf(lease) !== keyOf({ metadata: this.#options.lease })) return;
    this.#observed = observeLease(this.#observed, lease, this.#clock.now());
    if (this.holder !== this.#options.identity) this.#term?.abort();
    this.#tellNews();
  }

  #forget(): void {
    this.#observed = undefined;
    this.#tellNews();
  }

  #tellNews(): void {
    this.#news.abort();
    this.#news = new AbortController();
  }
}

/**
 * Whether the watch brings a state from before the kept one. For what the server answers this does not count: after a
 * restore of etcd its newest state has a lower version than the kept one.
 */
function isOlder(lease: Lease, kept: Lease | undefined): boolean {
  return Number(lease.metadata.resourceVersion ?? 0) < Number(kept?.metadata.resourceVersion ?? 0);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
