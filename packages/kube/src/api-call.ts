// SPDX-License-Identifier: Apache-2.0
/** What a call of the API server is made of: path, query, headers, and the reading of its answer. */
import type { Patch, WriteOptions } from './api.ts';
import type { ApiCall, ApiVerb } from './call-kinds.ts';
import { type ApiStatus, KubeError } from './errors.ts';
import type { KubeObject, ObjectName } from './object.ts';
import type { Resource } from './resources.ts';

export const CONTENT_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const satisfies Record<Patch['type'], string>;

export const METHODS = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
} as const satisfies Record<ApiVerb, string>;

export interface Call extends Pick<ApiCall, 'verb' | 'resource'> {
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface RawList<T> {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

export function to(
  verb: ApiVerb,
  { plural }: Resource<KubeObject>,
  { subresource }: WriteOptions = {},
): Pick<Call, 'verb' | 'resource'> {
  return { verb, resource: subresource === undefined ? plural : `${plural}/${subresource}` };
}

export function typed(kind: Resource<KubeObject>, object: object): unknown {
  return { ...object, apiVersion: kind.apiVersion, kind: kind.kind };
}

/** Asks the server for metadata alone; undefined for whole objects. */
export function acceptOf(options: { readonly metadataOnly?: boolean }, as: string): string | undefined {
  return options.metadataOnly ? `application/json;as=${as};g=meta.k8s.io;v=v1` : undefined;
}

export function namespaceOf(from: { readonly namespace?: string | undefined }): Partial<ObjectName> {
  return from.namespace === undefined ? {} : { namespace: from.namespace };
}

export function selectionQuery(options: { labelSelector?: string; fieldSelector?: string }): URLSearchParams {
  const query = new URLSearchParams();
  if (options.labelSelector) query.set('labelSelector', options.labelSelector);
  if (options.fieldSelector) query.set('fieldSelector', options.fieldSelector);
  return query;
}

export function withQuery(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

export function parseJson(text: string, call: Call): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KubeError('bad-response', `${METHODS[call.verb]} ${call.path}: answer is not JSON`, { cause });
  }
}

export function statusIn(text: string): ApiStatus {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    // A proxy or an API server that is starting answers in plain text; the caller shows that text.
    return {};
  }
}
