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
  Selection,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../api.ts';
import { KubeError } from '../errors.ts';
import { type KubeObject, keyOf, type ObjectName } from '../object.ts';
import { pathOf, type Resource } from '../resources.ts';
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

/** State of a {@link FakeApi} at some time. */
export interface FakeBackup {
  readonly version: number;
  readonly objects: ReadonlyMap<string, KubeObject>;
}

type Kind = Resource<KubeObject>;

interface LogEntry {
  readonly version: number;
  readonly kind: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

/** The fake. `T` objects go in and out as copies. */
export class FakeApi implements KubeApi {
  /** Every call that was made. */
  readonly calls: FakeCall[] = [];
  /** Throws, or waits, before a call takes effect. */
  before: (call: FakeCall) => void | Promise<void> = () => {};
  /** Throws after a call took effect: the answer is lost. */
  after: (call: FakeCall) => void | Promise<void> = () => {};
  readonly #objects = new Map<string, KubeObject>();
  readonly #log: LogEntry[] = [];
  readonly #watches = new Set<() => void>();
  #version = 100;
  #oldest = 0;
  #epoch = 0;

  async get<T extends KubeObject>(
    kind: Resource<T>,
    at: ObjectName,
    options: { signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.#call({ verb: 'get', kind: kind.kind, at }, options.signal, () => this.#find(kind, at)) as Promise<T>;
  }

  async list<T extends KubeObject>(kind: Resource<T>, options: ListOptions = {}): Promise<ListPage<T>> {
    const at = options.namespace ? { namespace: options.namespace } : {};
    const { limit } = options;
    return this.#call({ verb: 'list', kind: kind.kind, at, limit }, options.signal, () => {
      const start = Number(options.continueToken ?? 0);
      const all = this.#select(kind, options) as T[];
      const end = start + (options.limit ?? all.length);
      const next = end < all.length ? { continueToken: String(end) } : {};
      return {
        items: all.slice(start, end).map((object) => shown(object, options)),
        resourceVersion: String(this.#version),
        ...next,
      };
    });
  }

  async *watch<T extends KubeObject>(kind: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const at = options.namespace ? { namespace: options.namespace } : {};
    await this.#call({ verb: 'watch', kind: kind.kind, at }, options.signal, () => {});
    let seen = Number(options.resourceVersion);
    if (seen < this.#oldest) throw new KubeError('gone', 'watch: too old resource version', { status: 410 });
    const epoch = this.#epoch;
    for (;;) {
      if (options.signal?.aborted) throw new KubeError('aborted', 'watch: stopped');
      if (epoch !== this.#epoch) return;
      const news = this.#log.slice(this.#firstAfter(seen)).filter((entry) => entry.kind === kind.kind);
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
    const name = object.metadata.name ?? `${object.metadata.generateName ?? ''}${this.#version + 1}`;
    const at = object.metadata.namespace ? { namespace: object.metadata.namespace, name } : { name };
    return this.#call({ verb: 'create', kind: kind.kind, at, body: object }, options.signal, () => {
      if (this.#objects.has(pathOf(kind, at))) throw new KubeError('already-exists', `create ${name}`, { status: 409 });
      const metadata = { ...object.metadata, name, uid: `uid-${this.#version + 1}`, creationTimestamp: STAMP };
      return this.#store(kind, { ...object, metadata } as KubeObject, 'ADDED') as T;
    });
  }

  async replace<T extends KubeObject>(kind: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const at = object.metadata;
    return this.#call({ verb: 'replace', kind: kind.kind, at, body: object }, options.signal, () => {
      const kept = this.#find(kind, at);
      this.#compare(kept, object.metadata.resourceVersion);
      return this.#change(kind, kept, { ...object, metadata: { ...object.metadata, uid: kept.metadata.uid } }) as T;
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
      const kept = this.#find(kind, at);
      const wanted = mergePatch(kept, patch.body) as KubeObject;
      this.#compare(kept, wanted.metadata.resourceVersion);
      return this.#change(kind, kept, wanted) as T;
    });
  }

  async delete<T extends KubeObject>(kind: Resource<T>, at: ObjectName, options: DeleteOptions = {}): Promise<void> {
    return this.#call({ verb: 'delete', kind: kind.kind, at }, options.signal, () => {
      const kept = this.#find(kind, at);
      this.#compare(kept, options.preconditions?.resourceVersion);
      if (!kept.metadata.finalizers?.length) this.#remove(kind, kept);
      else if (!kept.metadata.deletionTimestamp) {
        this.#store(kind, { ...kept, metadata: { ...kept.metadata, deletionTimestamp: STAMP } }, 'MODIFIED');
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
    this.#oldest = this.#version;
    this.#log.length = 0;
    this.closeWatches();
  }

  /** What a copy of etcd's data has. */
  backUp(): FakeBackup {
    return { version: this.#version, objects: new Map(this.#objects) };
  }

  /**
   * Goes back to a backup, as after a restore of etcd: versions go back too and are given again, and a watch from a
   * version that was not reached yet is accepted and silent.
   */
  restore({ version, objects }: FakeBackup): void {
    this.#objects.clear();
    for (const [path, object] of objects) this.#objects.set(path, object);
    this.#version = version;
    this.#log.splice(0, this.#log.length, ...this.#log.filter((entry) => entry.version <= version));
    this.closeWatches();
  }

  /** Returns all objects of a kind. */
  all<T extends KubeObject>(kind: Resource<T>): T[] {
    return this.#select(kind, {}).map(copy) as T[];
  }

  async #call<R>(call: FakeCall, signal: AbortSignal | undefined, effect: () => R): Promise<R> {
    if (signal?.aborted) throw new KubeError('aborted', `${call.verb} ${call.kind}: stopped by the caller`);
    this.calls.push(call);
    await this.before(call);
    const result = effect();
    await this.after(call);
    return result;
  }

  #find(kind: Kind, at: ObjectName): KubeObject {
    const found = this.#objects.get(
      pathOf(kind, { ...(at.namespace ? { namespace: at.namespace } : {}), name: at.name }),
    );
    if (!found) throw new KubeError('not-found', `${kind.plural} "${at.name}" not found`, { status: 404 });
    return copy(found);
  }

  #select(kind: Kind, options: ListOptions): KubeObject[] {
    const all = [...this.#objects.values()].filter((object) => object.kind === kind.kind && matches(object, options));
    return all.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  #compare(kept: KubeObject, version: string | undefined): void {
    if (version === undefined || version === kept.metadata.resourceVersion) return;
    throw new KubeError('conflict', `${keyOf(kept)}: the object has been modified`, { status: 409 });
  }

  #change(kind: Kind, kept: KubeObject, wanted: KubeObject): KubeObject {
    const next = { ...wanted, metadata: { ...wanted.metadata, resourceVersion: kept.metadata.resourceVersion } };
    if (JSON.stringify(next) === JSON.stringify(kept)) return kept;
    if (kept.metadata.deletionTimestamp && !wanted.metadata.finalizers?.length) return this.#remove(kind, wanted);
    return this.#store(kind, wanted, 'MODIFIED');
  }

  #store(kind: Kind, object: KubeObject, type: 'ADDED' | 'MODIFIED'): KubeObject {
    const stored = this.#stamp(kind, object);
    this.#objects.set(pathOf(kind, nameIn(stored)), stored);
    this.#append(kind, type, stored);
    return copy(stored);
  }

  #remove(kind: Kind, object: KubeObject): KubeObject {
    this.#objects.delete(pathOf(kind, nameIn(object)));
    const stored = this.#stamp(kind, object);
    this.#append(kind, 'DELETED', stored);
    return stored;
  }

  #stamp(kind: Kind, object: KubeObject): KubeObject {
    this.#version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    return copy({ ...object, apiVersion: kind.apiVersion, kind: kind.kind, metadata });
  }

  /** Index of the first entry of the log that is newer; versions ascend, and there may be tens of thousands. */
  #firstAfter(version: number): number {
    let [low, high] = [0, this.#log.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#log[middle]?.version ?? 0) > version) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #append(kind: Kind, type: LogEntry['type'], object: KubeObject): void {
    this.#log.push({ version: this.#version, kind: kind.kind, type, object });
    this.#tell();
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

/** `name`, `name=value` or `name!=value`; nothing else is supported. */
function hasLabel({ metadata }: KubeObject, selector: string): boolean {
  if (!selector.includes('=')) return metadata.labels?.[selector] !== undefined;
  const [name = '', value] = selector.split(/!?=/);
  return (metadata.labels?.[name] === value) !== selector.includes('!=');
}

const STAMP = '2026-01-01T00:00:00Z';

function nameIn(object: KubeObject): ObjectName {
  const { namespace, name } = object.metadata;
  return namespace ? { namespace, name } : { name };
}

function matches(object: KubeObject, options: Selection): boolean {
  const { namespace, fieldSelector, labelSelector } = options;
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  if (labelSelector !== undefined && !hasLabel(object, labelSelector)) return false;
  return fieldSelector === undefined || fieldSelector === `metadata.name=${object.metadata.name}`;
}

function shown<T extends KubeObject>(object: T, options: { readonly metadataOnly?: boolean }): T {
  return copy(options.metadataOnly ? ({ metadata: object.metadata } as T) : object);
}

function copy<T>(value: T): T {
  return structuredClone(value);
}
