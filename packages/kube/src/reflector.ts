// SPDX-License-Identifier: Apache-2.0

/**
 * Keeps a Store equal to what the API server has: list once in pages, then watch with bookmarks for ever. A watch that
 * ends, breaks or falls silent is resumed from the last resourceVersion; only when the server no longer has that
 * version (410) is everything listed again, and the store then tells just the differences.
 *
 * A server whose etcd was restored from a backup is older than the store. It accepts a watch from a version that it has
 * not reached yet, and then sends nothing (kubernetes/kubernetes#107457). So before a watch is resumed a list of one
 * object tells how far the server is, and where it is behind, everything is listed again.
 */

import { Backoff, type Clock, sleep, type Task } from '@berth/runtime';
import type { KubeApi, Selection } from './api.ts';
import { classify, isKubeError, type KubeError } from './errors.ts';
import { ListReader } from './list-reader.ts';
import type { KubeObject } from './object.ts';
import type { Resource } from './resources.ts';
import { compareVersions, type Store } from './store.ts';
import { WatchGuard } from './watch-guard.ts';

/** The server ends each watch after this many seconds at least, and twice as many at most (client-go: 5 to 10 min). */
const MIN_WATCH_SECONDS = 300;
/** A watch that lived this long counts as a success, in milliseconds. */
const SETTLED_MS = 5_000;
/** A watch that the server refuses with 5xx this often in a row is given up for a list. */
const MAX_RESUMPTIONS = 6;

export interface ReflectorOptions<T extends KubeObject> {
  readonly api: KubeApi;
  readonly kind: Resource<T>;
  readonly store: Store<T, never> | Pick<Store<T>, 'get' | 'replaceAll' | 'merge' | 'upsert' | 'delete'>;
  /** @default everything */
  readonly selection?: Selection;
  /** Cuts off what no one reads, to save memory. @default removes metadata.managedFields */
  readonly transform?: (object: T) => T;
  /**
   * Milliseconds without any event or bookmark (the server sends one about every minute) until the watch is made anew.
   * @default 150000
   */
  readonly staleAfterMs?: number;
  readonly clock: Clock;
  readonly random?: () => number;
  /** Called when the server turned out to be older than the store, after everything was listed again. */
  readonly onRewind?: () => void;
  /** Called for each failed attempt, with the wait before the next one. */
  readonly onError?: (error: KubeError, retryInMs: number) => void;
}

/** The list-and-watch loop of one kind. */
export class Reflector<T extends KubeObject> implements Task {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #reader: ListReader<T>;
  readonly #stopper = new AbortController();
  readonly #backoff: Backoff;
  #markReady: () => void = () => {};
  #hasSynced = false;
  #lastVersion: string | undefined;
  /** Whether the server may have become older than the store since it was last asked. */
  #isInDoubt = false;
  /** Ends the watch under way. */
  #interrupt = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.name = `reflector ${options.kind.plural}`;
    this.#options = options;
    this.#clock = options.clock;
    this.#reader = new ListReader(options);
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff({ baseMs: 100, capMs: 10_000, random: this.#random });
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
  }

  /** True once the store has held a complete list. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** resourceVersion up to which the store is known to be complete. */
  get lastVersion(): string | undefined {
    return this.#lastVersion;
  }

  start(): void {
    this.#running ??= this.#run(this.#stopper.signal);
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.#running;
  }

  /**
   * Resolves when the store is at least as new as this call: whoever has read something else before cannot know more
   * than the store does then. The watch may be any time behind; this does not wait for it.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const before = this.#lastVersion;
    const { store } = this.#options;
    const known = before === undefined ? undefined : { version: before, get: (key: string) => store.get(key) };
    const { objects, version } = await this.#reader.readAll(signal, known);
    if (before !== undefined && compareVersions(before, version) > 0) {
      this.#rewind(objects, version);
      this.#interrupt.abort();
      return;
    }
    if (this.#lastVersion !== undefined && compareVersions(this.#lastVersion, version) >= 0) return;
    // Set before listeners run; older news that the watch still brings is dropped from now on.
    this.#lastVersion = version;
    store.merge(objects, version);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delayMs = await this.#attempt(signal);
      if (delayMs > 0) await sleep(this.#clock, delayMs, signal);
    }
  }

  /** One list if needed and one watch; returns the milliseconds to wait before the next attempt. */
  async #attempt(signal: AbortSignal): Promise<number> {
    const startedAt = this.#clock.now();
    try {
      if (this.#isInDoubt) await this.#findPlace(signal);
      this.#lastVersion ??= await this.#list(signal);
      this.#isInDoubt = true;
      await this.#watch(this.#lastVersion, signal);
      if (this.#clock.now() - startedAt >= SETTLED_MS) this.#backoff.reset();
      // A server that closes each watch at once must not be asked in a tight loop.
      return this.#clock.now() - startedAt >= SETTLED_MS ? 0 : this.#backoff.next();
    } catch (error) {
      return this.#afterError(error, signal);
    }
  }

  #afterError(error: unknown, signal: AbortSignal): number {
    const reaction = classify(error);
    if (signal.aborted) return 0;
    const asked = reaction.action === 'retry' ? (reaction.afterMs ?? 0) : 0;
    const delayMs = Math.max(asked, this.#backoff.next());
    // A server that was restored from an older state answers 5xx to a version of its lost future, for ever.
    const isLost = isKubeError(error, 'server') && this.#backoff.failures > MAX_RESUMPTIONS;
    if (isLost || (reaction.action !== 'retry' && reaction.action !== 'stop')) this.#lastVersion = undefined;
    this.#options.onError?.(error as KubeError, delayMs);
    return delayMs;
  }

  /**
   * Lists everything again where the server does not have the state that the store has. A list is always of the newest
   * state.
   */
  async #findPlace(signal: AbortSignal): Promise<void> {
    const before = this.#lastVersion;
    if (before === undefined) return;
    const resourceVersion = await this.#reader.newestVersion(signal, this.#staleAfterMs);
    if (resourceVersion === undefined) return;
    if (compareVersions(before, resourceVersion) <= 0) return;
    const { objects, version } = await this.#reader.readAll(signal);
    this.#rewind(objects, version);
  }

  get #staleAfterMs(): number {
    return this.#options.staleAfterMs ?? 150_000;
  }

  #rewind(objects: readonly T[], version: string): void {
    this.#lastVersion = version;
    this.#options.store.replaceAll(objects, { isRewound: true });
    this.#options.onRewind?.();
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { objects, version } = await this.#reader.readAll(signal);
    this.#options.store.replaceAll(objects);
    this.#hasSynced = true;
    this.#markReady();
    return version;
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    this.#interrupt = new AbortController();
    const interrupted = this.#interrupt.signal;
    const ending = AbortSignal.any([signal, interrupted]);
    const guard = new WatchGuard(this.#clock, this.#staleAfterMs, ending);
    try {
      const timeoutSeconds = Math.round(MIN_WATCH_SECONDS * (1 + this.#random()));
      const options = { ...this.#options.selection, resourceVersion, timeoutSeconds, signal: guard.signal };
      for await (const event of this.#options.api.watch(this.#options.kind, options)) {
        guard.renew();
        this.#backoff.reset();
        if (event.type !== 'BOOKMARK') this.#apply(event.type, this.#reader.trim(event.object));
        else if (this.#isBehind(event.resourceVersion)) return;
        else this.#reach(event.resourceVersion);
      }
    } catch (error) {
      // Cut off by the guard or by a refresh: resumed like a watch that the server closed.
      if (!guard.isStale && !interrupted.aborted) throw error;
    } finally {
      guard.end();
    }
  }

  #apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    if (!this.#reach(object.metadata.resourceVersion)) return;
    if (type === 'DELETED') this.#options.store.delete(object);
    else this.#options.store.upsert(object);
  }

  #isBehind(version: string): boolean {
    return version !== '' && compareVersions(version, this.#lastVersion) < 0;
  }

  /** Notes that the store is complete up to a version; false when it was so before. */
  #reach(version: string | undefined): boolean {
    if (!version || compareVersions(version, this.#lastVersion) <= 0) return false;
    this.#lastVersion = version;
    return true;
  }
}
