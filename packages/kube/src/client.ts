// SPDX-License-Identifier: Apache-2.0

/**
 * A thin REST client: plain JSON in and out, one place for errors, no retry of its own except one after a 401 with
 * credentials that were read anew. Everything else about retrying is the caller's (`classify`, `ApiBudget`, `Reflector`).
 */

import type { ClusterAccess } from './access.ts';
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
} from './api.ts';
import { type Clock, systemClock } from './clock.ts';
import { type ApiStatus, codeOfStatus, KubeError, parseRetryAfter } from './errors.ts';
import type { KubeObject, ObjectName } from './object.ts';
import { pathOf, type Resource } from './resources.ts';
import { type HttpRequest, type OpenResponse, Transport } from './transport.ts';
import { decodeWatchLine, readLines } from './watch-stream.ts';

export interface KubeClientOptions {
  readonly access: ClusterAccess;
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** Most connections for requests; watches have their own. @default 16 */
  readonly maxConnections?: number;
  /** Milliseconds until an answer must be complete. @default 30000 */
  readonly timeoutMs?: number;
  /** Sent as User-Agent and, up to the slash, as the field manager of patches. @default "berth" */
  readonly userAgent?: string;
}

const CONTENT_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const satisfies Record<Patch['type'], string>;

/** The API server behind one ClusterAccess. */
export class KubeClient implements KubeApi {
  readonly #access: ClusterAccess;
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #fieldManager: string;

  constructor(options: KubeClientOptions) {
    const userAgent = options.userAgent ?? 'berth';
    this.#access = options.access;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#fieldManager = userAgent.split('/')[0] ?? userAgent;
    this.#transport = new Transport({
      access: options.access,
      clock: options.clock ?? systemClock,
      maxConnections: options.maxConnections ?? 16,
      userAgent,
    });
  }

  async get<T extends KubeObject>(
    kind: Resource<T>,
    at: ObjectName,
    options: { signal?: AbortSignal } = {},
  ): Promise<T> {
    return (await this.#call({ method: 'GET', path: pathOf(kind, at), signal: options.signal })) as T;
  }

  async list<T extends KubeObject>(kind: Resource<T>, options: ListOptions = {}): Promise<ListPage<T>> {
    const query = selectionQuery(options);
    if (options.limit !== undefined) query.set('limit', String(options.limit));
    if (options.continueToken) query.set('continue', options.continueToken);
    const path = withQuery(pathOf(kind, namespaceOf(options)), query);
    const accept = acceptOf(options, 'PartialObjectMetadataList');
    const body = (await this.#call({ method: 'GET', path, accept, signal: options.signal })) as RawList<T>;
    const next = body.metadata?.continue;
    return {
      // A list carries its kind once, at its head; a watch repeats it in each object.
      items: (body.items ?? []).map((item) => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind })),
      resourceVersion: body.metadata?.resourceVersion ?? '',
      ...(next ? { continueToken: next } : {}),
    };
  }

  async *watch<T extends KubeObject>(kind: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const query = selectionQuery(options);
    query.set('watch', '1');
    query.set('allowWatchBookmarks', 'true');
    query.set('resourceVersion', options.resourceVersion);
    query.set('timeoutSeconds', String(options.timeoutSeconds));
    const path = withQuery(pathOf(kind, namespaceOf(options)), query);
    const accept = acceptOf(options, 'PartialObjectMetadata');
    const response = await this.#open({ method: 'GET', path, accept, signal: options.signal, isStream: true });
    for await (const line of readLines(response.body)) yield decodeWatchLine<T>(line, path);
  }

  async create<T extends KubeObject>(kind: Resource<T>, object: NewObject<T>, options: WriteOptions = {}): Promise<T> {
    const { namespace } = object.metadata;
    const path = this.#writePath(pathOf(kind, namespaceOf({ namespace }), options.subresource), options);
    return (await this.#call({ method: 'POST', path, body: typed(kind, object), signal: options.signal })) as T;
  }

  async replace<T extends KubeObject>(kind: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const path = this.#writePath(pathOf(kind, object.metadata, options.subresource), options);
    return (await this.#call({ method: 'PUT', path, body: typed(kind, object), signal: options.signal })) as T;
  }

  async patch<T extends KubeObject>(
    kind: Resource<T>,
    at: ObjectName,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    const force = patch.type === 'apply' && patch.force;
    const path = this.#writePath(pathOf(kind, at, options.subresource), options, force ? { force: 'true' } : {});
    const body = patch.type === 'apply' ? typed(kind, patch.body as object) : patch.body;
    const contentType = CONTENT_TYPES[patch.type];
    return (await this.#call({ method: 'PATCH', path, body, contentType, signal: options.signal })) as T;
  }

  async delete<T extends KubeObject>(kind: Resource<T>, at: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(options.preconditions ? { preconditions: options.preconditions } : {}),
    };
    await this.#call({ method: 'DELETE', path: pathOf(kind, at), body, signal: options.signal });
  }

  /** Returns the parsed answer of a GET on any path, e.g. `/version`. */
  async raw(path: string, options: { signal?: AbortSignal } = {}): Promise<unknown> {
    return this.#call({ method: 'GET', path, signal: options.signal });
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }

  #writePath(path: string, options: WriteOptions, extra: Record<string, string> = {}): string {
    return withQuery(path, new URLSearchParams({ fieldManager: options.fieldManager ?? this.#fieldManager, ...extra }));
  }

  async #call(call: Call): Promise<unknown> {
    const response = await this.#open({ ...call, isStream: false });
    return parseJson(await readText(response), call);
  }

  async #open(call: Call & { isStream: boolean }): Promise<OpenResponse> {
    const request: HttpRequest = {
      method: call.method,
      path: call.path,
      signal: call.signal,
      isStream: call.isStream,
      timeoutMs: this.#timeoutMs,
      ...(call.accept === undefined ? {} : { accept: call.accept }),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.contentType === undefined ? {} : { contentType: call.contentType }),
    };
    let response = await this.#transport.open(request);
    if (response.status === 401) {
      // The token may have been replaced since it was read: one more try with a fresh one.
      this.#access.invalidate();
      await readText(response);
      response = await this.#transport.open(request);
    }
    if (response.status >= 200 && response.status < 300) return response;
    throw await errorOf(response, call);
  }
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string | undefined;
  readonly signal: AbortSignal | undefined;
}

interface RawList<T> {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

function typed(kind: Resource<KubeObject>, object: object): unknown {
  return { ...object, apiVersion: kind.apiVersion, kind: kind.kind };
}

/** Asks the server for metadata alone; undefined for whole objects. */
function acceptOf(options: { readonly metadataOnly?: boolean }, as: string): string | undefined {
  return options.metadataOnly ? `application/json;as=${as};g=meta.k8s.io;v=v1` : undefined;
}

function namespaceOf(from: { readonly namespace?: string | undefined }): Partial<ObjectName> {
  return from.namespace === undefined ? {} : { namespace: from.namespace };
}

function selectionQuery(options: { labelSelector?: string; fieldSelector?: string }): URLSearchParams {
  const query = new URLSearchParams();
  if (options.labelSelector) query.set('labelSelector', options.labelSelector);
  if (options.fieldSelector) query.set('fieldSelector', options.fieldSelector);
  return query;
}

function withQuery(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

async function readText(response: OpenResponse): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string, call: Call): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KubeError('bad-response', `${call.method} ${call.path}: answer is not JSON`, { cause });
  }
}

async function errorOf(response: OpenResponse, call: Call): Promise<KubeError> {
  const text = await readText(response);
  const status = statusIn(text);
  const code = codeOfStatus(response.status, status.reason);
  const header = response.headers['retry-after'];
  const seconds = status.details?.retryAfterSeconds;
  return new KubeError(
    code,
    `${call.method} ${call.path}: ${response.status} ${status.message ?? text.slice(0, 200)}`,
    {
      status: response.status,
      retryAfterMs: parseRetryAfter(header) ?? (seconds ? seconds * 1000 : undefined),
    },
  );
}

function statusIn(text: string): ApiStatus {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    // A proxy or an API server that is starting answers in plain text; the caller shows that text.
    return {};
  }
}
