// SPDX-License-Identifier: Apache-2.0

/**
 * An API server in memory, for unit tests: objects with uid and resourceVersion, compare-and-swap, finalizers, paged
 * lists, watches that can be resumed, cut and made too old, and faults on any call. It passes the same contract suite
 * as the real one (test/contract/kube).
 */

import type {
  DeleteOptions,
  KubeApi,
  ListOptions,
  ListPage,
  NewObject,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../api.ts';
import { KubeError } from '../errors.ts';
import type { KubeObject, ObjectName } from '../object.ts';
import type { Resource } from '../resources.ts';
import { copy, type FakeBackup, FakeObjects, matches, STAMP, shown } from './fake-objects.ts';
import { mergePatch } from './merge-patch.ts';

/** One call, as a fault sees it. */
export interface FakeCall {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'delete';
  readonly kind: string;
  readonly at: Partial<ObjectName>;
  readonly body?: unknown;
  /** Of a list. */
  readonly limit?: number | undefined;
}

/** The fake. `T` objects go in and out as copies. */
export class FakeApi implements KubeApi {
  /** Every call that was made. */
  readonly calls: FakeCall[] = [];
  /** Throws, or waits, before a call takes effect. */
  before: (call: FakeCall) => void | Promise<void> = () => {};
  /** Throws after a call took effect: the answer is lost. */
  after: (call: FakeCall) => void | Promise<void> = () => {};
  readonly #objects = new FakeObjects(() => this.#tell());
  readonly #watches = new Set<() => void>();
  #epoch = 0;

  async get<T extends KubeObject>(
    kind: Resource<T>,
    at: ObjectName,
    options: { signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.#call({ verb: 'get', kind: kind.kind, at }, options.signal, () =>
      this.#objects.find(kind, at),
    ) as Promise<T>;
  }

  async list<T extends KubeObject>(kind: Resource<T>, options: ListOptions = {}): Promise<ListPage<T>> {
    const at = options.namespace ? { namespace: options.namespace } : {};
    const { limit } = options;
    return this.#call({ verb: 'list', kind: kind.kind, at, limit }, options.signal, () => {
      const start = Number(options.continueToken ?? 0);
      const all = this.#objects.select(kind, options) as T[];
      const end = start + (options.limit ?? all.length);
      const next = end < all.length ? { continueToken: String(end) } : {};
      return {
        items: all.slice(start, end).map((object) => shown(object, options)),
        resourceVersion: String(this.#objects.version),
        ...next,
      };
    });
  }

  async *watch<T extends KubeObject>(kind: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const at = options.namespace ? { namespace: options.namespace } : {};
    await this.#call({ verb: 'watch', kind: kind.kind, at }, options.signal, () => {});
    let seen = Number(options.resourceVersion);
    if (seen < this.#objects.oldestVersion)
      throw new KubeError('gone', 'watch: too old resource version', { status: 410 });
    const epoch = this.#epoch;
    for (;;) {
      if (options.signal?.aborted) throw new KubeError('aborted', 'watch: stopped');
      if (epoch !== this.#epoch) return;
      const news = this.#objects.newsAfter(seen, kind);
      for (const entry of news) {
        seen = entry.version;
        if (matches(entry.object, options)) {
          yield { type: entry.type, object: shown(entry.object, options) as T };
        }
      }
      if (news.length === 0) await this.#nextChange(options.signal);
    }
  }

  async create<T extends KubeObject>(kind: Resource<T>, object: NewObject<T>, options: WriteOptions = {}): Promise<T> {
    const name = object.metadata.name ?? `${object.metadata.generateName ?? ''}${this.#objects.version + 1}`;
    const at = object.metadata.namespace ? { namespace: object.metadata.namespace, name } : { name };
    return this.#call({ verb: 'create', kind: kind.kind, at, body: object }, options.signal, () => {
      if (this.#objects.has(kind, at)) throw new KubeError('already-exists', `create ${name}`, { status: 409 });
      const metadata = { ...object.metadata, name, uid: `uid-${this.#objects.version + 1}`, creationTimestamp: STAMP };
      return this.#objects.store(kind, { ...object, metadata } as KubeObject, 'ADDED') as T;
    });
  }

  async replace<T extends KubeObject>(kind: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const at = object.metadata;
    return this.#call({ verb: 'replace', kind: kind.kind, at, body: object }, options.signal, () => {
      const kept = this.#objects.find(kind, at);
      this.#objects.compare(kept, object.metadata.resourceVersion);
      return this.#objects.change(kind, kept, {
        ...object,
        metadata: { ...object.metadata, uid: kept.metadata.uid },
      }) as T;
    });
  }

  async patch<T extends KubeObject>(
    kind: Resource<T>,
    at: ObjectName,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#call({ verb: 'patch', kind: kind.kind, at, body: patch.body }, options.signal, () => {
      if (patch.type !== 'merge') throw new Error(`fake api: ${patch.type} patch is not supported`);
      const kept = this.#objects.find(kind, at);
      const wanted = mergePatch(kept, patch.body) as KubeObject;
      this.#objects.compare(kept, wanted.metadata.resourceVersion);
      return this.#objects.change(kind, kept, wanted) as T;
    });
  }

  async delete<T extends KubeObject>(kind: Resource<T>, at: ObjectName, options: DeleteOptions = {}): Promise<void> {
    return this.#call({ verb: 'delete', kind: kind.kind, at }, options.signal, () => {
      const kept = this.#objects.find(kind, at);
      this.#objects.compare(kept, options.preconditions?.resourceVersion);
      if (!kept.metadata.finalizers?.length) this.#objects.remove(kind, kept);
      else if (!kept.metadata.deletionTimestamp) {
        this.#objects.store(kind, { ...kept, metadata: { ...kept.metadata, deletionTimestamp: STAMP } }, 'MODIFIED');
      }
    });
  }

  /** Ends every watch, as a server does that restarts. */
  closeWatches(): void {
    this.#epoch += 1;
    this.#tell();
  }

  /** Forgets the history: watches from before now are answered with 410. */
  compact(): void {
    this.#objects.forgetNews();
    this.closeWatches();
  }

  /** What a copy of etcd's data has. */
  backUp(): FakeBackup {
    return this.#objects.backUp();
  }

  /**
   * Goes back to a backup, as after a restore of etcd: versions go back too and are given again, and a watch from a
   * version that was not reached yet is accepted and silent.
   */
  restore(backup: FakeBackup): void {
    this.#objects.restore(backup);
    this.closeWatches();
  }

  /** Returns all objects of a kind. */
  all<T extends KubeObject>(kind: Resource<T>): T[] {
    return this.#objects.select(kind, {}).map(copy) as T[];
  }

  async #call<R>(call: FakeCall, signal: AbortSignal | undefined, effect: () => R): Promise<R> {
    if (signal?.aborted) throw new KubeError('aborted', `${call.verb} ${call.kind}: stopped by the caller`);
    this.calls.push(call);
    await this.before(call);
    const result = effect();
    await this.after(call);
    return result;
  }

  #tell(): void {
    for (const wake of [...this.#watches]) wake();
  }

  #nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#watches.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#watches.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
}
