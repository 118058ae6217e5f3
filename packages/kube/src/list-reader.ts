// SPDX-License-Identifier: Apache-2.0

/** Reads lists of one kind for a reflector: all of it in pages, or one object, which tells how far the server is. */

import type { Clock } from '@berth/runtime';
import type { KubeApi, Selection } from './api.ts';
import { type KubeObject, keyOf } from './object.ts';
import type { Resource } from './resources.ts';
import { compareVersions } from './store.ts';
import { WatchGuard } from './watch-guard.ts';

/** Objects per page of a list; client-go's value. */
const PAGE_SIZE = 500;
/** A server that is asked how far it is and does not answer for so long is not waited for, in milliseconds. */
const CHECK_MS = 10_000;

export interface ListReaderOptions<T extends KubeObject> {
  readonly api: KubeApi;
  readonly kind: Resource<T>;
  /** @default everything */
  readonly selection?: Selection;
  /** @default removes metadata.managedFields */
  readonly transform?: (object: T) => T;
  readonly clock: Clock;
}

/** What is known before a list is read. */
export interface KnownObjects<T> {
  /** Up to which version. */
  readonly version: string;
  get(key: string): T | undefined;
}

export class ListReader<T extends KubeObject> {
  readonly #options: ListReaderOptions<T>;

  constructor(options: ListReaderOptions<T>) {
    this.#options = options;
  }

  /**
   * Every object, and the version of the list. Of what is `known` in the same version the known object is returned, so
   * that not all objects are in memory twice.
   */
  async readAll(
    signal: AbortSignal,
    known?: KnownObjects<T>,
  ): Promise<{ readonly objects: readonly T[]; readonly version: string }> {
    const objects: T[] = [];
    let continueToken: string | undefined;
    let version = '';
    do {
      const page = await this.#options.api.list(this.#options.kind, {
        ...this.#options.selection,
        limit: PAGE_SIZE,
        signal,
        ...(continueToken === undefined ? {} : { continueToken }),
      });
      // A server that was restored gives numbers of versions a second time, and is behind at first.
      const present = known && compareVersions(known.version, page.resourceVersion) <= 0 ? known : undefined;
      for (const object of page.items) objects.push(sameIn(present, object) ?? this.trim(object));
      version = page.resourceVersion;
      continueToken = page.continueToken;
    } while (continueToken !== undefined);
    return { objects, version };
  }

  /** How far the server is; undefined when it does not answer: then the watch, which has its guard, is to find out. */
  async newestVersion(signal: AbortSignal, staleAfterMs: number): Promise<string | undefined> {
    const guard = new WatchGuard(this.#options.clock, Math.min(CHECK_MS, staleAfterMs), signal);
    try {
      const options = { ...this.#options.selection, limit: 1, signal: guard.signal };
      return (await this.#options.api.list(this.#options.kind, options)).resourceVersion;
    } catch (error) {
      if (!guard.isStale) throw error;
      return undefined;
    } finally {
      guard.end();
    }
  }

  /** The object without what no one reads. */
  trim(object: T): T {
    return this.#options.transform ? this.#options.transform(object) : withoutManagedFields(object);
  }
}

function sameIn<T extends KubeObject>(known: KnownObjects<T> | undefined, object: T): T | undefined {
  const kept = known?.get(keyOf(object));
  return kept?.metadata.resourceVersion === object.metadata.resourceVersion ? kept : undefined;
}

/** Returns the object without metadata.managedFields, often its largest part and of no use to a reader. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  return { ...object, metadata };
}
