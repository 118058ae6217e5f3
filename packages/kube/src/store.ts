// SPDX-License-Identifier: Apache-2.0

/**
 * The last known state of all objects of one kind, with indexes. A Reflector writes it, everybody else reads it and
 * hears about differences. Objects are shared: no one changes them.
 */

import { type KubeObject, keepKey, keyOf } from './object.ts';

/** One difference between two states of a store. */
export type StoreEvent<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly object: T; readonly previous: T }
  /** `object` is the last state that was seen. */
  | { readonly type: 'deleted'; readonly object: T };

/** Returns the values under which an object is found in an index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** The reading side of a store. */
export interface ReadStore<T extends KubeObject, Index extends string = never> {
  readonly size: number;
  get(key: string): T | undefined;
  /** All objects; the order says nothing. */
  values(): Iterable<T>;
  /** Returns the objects that the index function put under `value`. */
  by(index: Index, value: string): readonly T[];
  /** Calls `listener` for each difference from now on; returns the function that ends it. */
  subscribe(listener: (event: StoreEvent<T>) => void): () => void;
}

/** Objects by key (`namespace/name`), and by the indexes given to the constructor. */
export class Store<T extends KubeObject, Index extends string = never> implements ReadStore<T, Index> {
  readonly #objects = new Map<string, T>();
  readonly #indexFunctions: readonly (readonly [Index, IndexFunction<T>])[];
  /** index name, then value, then keys; holds a key exactly where the index function of its present object puts it. */
  readonly #indexes = new Map<Index, Map<string, Set<string>>>();
  readonly #listeners = new Set<(event: StoreEvent<T>) => void>();

  constructor(indexes: Readonly<Record<Index, IndexFunction<T>>> | Record<never, never> = {}) {
    this.#indexFunctions = Object.entries(indexes) as [Index, IndexFunction<T>][];
    for (const [name] of this.#indexFunctions) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  by(index: Index, value: string): readonly T[] {
    const found: T[] = [];
    for (const key of this.#indexes.get(index)?.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object) found.push(object);
    }
    return found;
  }

  subscribe(listener: (event: StoreEvent<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes over a complete list: what is not in it is deleted, what has the version that is kept causes no event. A list
   * is the truth even where its versions are older: so it is after a restore of etcd (`isRewound`), when numbers of
   * versions are given a second time, and so only content tells whether an object is the same.
   */
  replaceAll(objects: Iterable<T>, { isRewound = false }: { readonly isRewound?: boolean } = {}): void {
    const gone = new Set(this.#objects.keys());
    for (const object of objects) {
      const key = keyOf(object);
      gone.delete(key);
      const kept = this.#objects.get(key);
      const isSame = kept?.metadata.resourceVersion === object.metadata.resourceVersion;
      if (!isSame || (isRewound && JSON.stringify(kept) !== JSON.stringify(object))) this.#put(object);
    }
    for (const key of gone) this.#remove(key);
  }

  /**
   * Takes over a complete list that is as of a version, beside a watch that goes on: what is kept and newer than the
   * list stays as it is.
   */
  merge(objects: Iterable<T>, asOf: string): void {
    const gone = new Map(this.#objects);
    for (const object of objects) {
      gone.delete(keyOf(object));
      this.upsert(object);
    }
    for (const [key, object] of gone) {
      if (compareVersions(object.metadata.resourceVersion, asOf) <= 0) this.#remove(key);
    }
  }

  /** Adds or updates one object. An older version than the one kept changes nothing: late news does not undo newer. */
  upsert(object: T): void {
    const kept = this.#objects.get(keyOf(object));
    if (!kept || isNewer(object, kept)) this.#put(object);
  }

  /** Deletes one object, if it is there and not newer than the deletion. */
  delete(object: T): void {
    const kept = this.#objects.get(keyOf(object));
    if (kept && !isNewer(kept, object)) this.#remove(keyOf(object));
  }

  #put(object: T): void {
    const given = keyOf(object);
    const previous = this.#objects.get(given);
    const key = previous ? keyOf(previous) : given;
    keepKey(object, key);
    if (previous) this.#unindex(key, previous);
    this.#objects.set(key, object);
    this.#index(key, object);
    this.#tell(previous ? { type: 'updated', object, previous } : { type: 'added', object });
  }

  #remove(key: string): void {
    const object = this.#objects.get(key);
    if (!object) return;
    this.#unindex(key, object);
    this.#objects.delete(key);
    this.#tell({ type: 'deleted', object });
  }

  #tell(event: StoreEvent<T>): void {
    for (const listener of this.#listeners) listener(event);
  }

  #index(key: string, object: T): void {
    for (const [name, indexFunction] of this.#indexFunctions) {
      const index = this.#indexes.get(name);
      for (const value of indexFunction(object)) {
        const keys = index?.get(value);
        if (keys) keys.add(key);
        else index?.set(value, new Set([key]));
      }
    }
  }

  #unindex(key: string, object: T): void {
    for (const [name, indexFunction] of this.#indexFunctions) {
      const index = this.#indexes.get(name);
      for (const value of indexFunction(object)) {
        const keys = index?.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index?.delete(value);
      }
    }
  }
}

function isNewer(object: KubeObject, kept: KubeObject): boolean {
  return compareVersions(object.metadata.resourceVersion, kept.metadata.resourceVersion) > 0;
}

/**
 * Compares two resourceVersions. Kubernetes promises since 1.35 that they are decimal numbers that grow (and they were
 * before); what does not look so counts as different and newer.
 */
export function compareVersions(left = '', right = ''): number {
  if (left === right) return 0;
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return 1;
  return left.length === right.length ? (left < right ? -1 : 1) : left.length - right.length;
}
