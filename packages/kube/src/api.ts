// SPDX-License-Identifier: Apache-2.0

/**
 * The port to the API server: what reconcilers, reflectors and the elector need from it. `KubeClient` is the real one;
 * tests wrap it to inject faults.
 */

import type { KubeObject, ObjectMeta, ObjectName } from './object.ts';
import type { Resource } from './resources.ts';

/** One page of a list. */
export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Token of the next page; absent on the last. */
  readonly continueToken?: string;
}

/** What to list or watch. */
export interface Selection {
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects come with their metadata alone, e.g. to hear about changes of large objects. */
  readonly metadataOnly?: boolean;
}

export interface ListOptions extends Selection {
  /** Objects per page; the server's choice when absent. */
  readonly limit?: number;
  readonly continueToken?: string;
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** Seconds until the server ends the watch by itself. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
}

/** One line of a watch. A server-side ERROR is thrown as a KubeError instead. */
export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/** The body of a patch, by its media type. */
export type Patch =
  | { readonly type: 'merge'; readonly body: unknown }
  | { readonly type: 'strategic'; readonly body: unknown }
  | { readonly type: 'json'; readonly body: readonly JsonPatchOperation[] }
  /** Server-side apply; `force` takes fields over from other managers. */
  | { readonly type: 'apply'; readonly body: unknown; readonly force?: boolean };

/** RFC 6902. */
interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test' | 'copy' | 'move';
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export interface WriteOptions {
  readonly subresource?: 'status';
  /** Name of the field manager; the client's own when absent. */
  readonly fieldManager?: string;
  readonly signal?: AbortSignal;
}

export interface DeleteOptions {
  /** Refuses (conflict) when the object has another uid or resourceVersion. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly signal?: AbortSignal;
}

/** An object to be created: apiVersion and kind are filled in from the resource. */
export type NewObject<T extends KubeObject> = Omit<T, 'metadata' | 'apiVersion' | 'kind'> & {
  readonly metadata: Partial<ObjectMeta> & { readonly generateName?: string };
};

/** The API server. Every call rejects with a KubeError and stops at once when its signal is aborted. */
export interface KubeApi {
  get<T extends KubeObject>(kind: Resource<T>, at: ObjectName, options?: { signal?: AbortSignal }): Promise<T>;
  list<T extends KubeObject>(kind: Resource<T>, options?: ListOptions): Promise<ListPage<T>>;
  /** Ends without error when the server closes the watch. */
  watch<T extends KubeObject>(kind: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(kind: Resource<T>, object: NewObject<T>, options?: WriteOptions): Promise<T>;
  /** Replaces the object; with metadata.resourceVersion set this is a compare-and-swap. */
  replace<T extends KubeObject>(kind: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(kind: Resource<T>, at: ObjectName, patch: Patch, options?: WriteOptions): Promise<T>;
  delete<T extends KubeObject>(kind: Resource<T>, at: ObjectName, options?: DeleteOptions): Promise<void>;
}
