// SPDX-License-Identifier: Apache-2.0

/**
 * A thin REST client: plain JSON in and out, one place for errors, no retry of its own except one after a 401 with
 * credentials that were read anew. Everything else about retrying is the caller's (`classify`, `ApiBudget`,
 * `Reflector`).
 */

import type { Clock } from '@berth/runtime';
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
import {
  acceptOf,
  type Call,
  CONTENT_TYPES,
  METHODS,
  namespaceOf,
  parseJson,
  type RawList,
  selectionQuery,
  statusIn,
  to,
  typed,
  withQuery,
} from './api-call.ts';
import type { ApiCall } from './call-kinds.ts';
import { codeOfStatus, KubeError, parseRetryAfter } from './errors.ts';
import type { KubeObject, ObjectName } from './object.ts';
import { pathOf, type Resource } from './resources.ts';
import { type HttpRequest, type OpenResponse, Transport } from './transport.ts';
import { decodeWatchLine, readLines } from './watch-stream.ts';

export interface KubeClientOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  /** Most connections for requests; watches have their own. @default 16 */
  readonly maxConnections?: number;
  /** Milliseconds until an answer must be complete. @default 30000 */
  readonly timeoutMs?: number;
  /** Sent as User-Agent and, up to the slash, as the field manager of patches. @default "berth" */
  readonly userAgent?: string;
  /** Called when a call has ended, well or not; a watch, when it was opened. */
  onCall?(call: ApiCall): void;
  /** Called with the field Date of each answer, when its head is there. */
  onDate?(date: string | undefined): void;
}

/** The API server behind one ClusterAccess. */
export class KubeClient implements KubeApi {
  readonly #access: ClusterAccess;
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #fieldManager: string;
  readonly #clock: Clock;
  readonly #onCall: ((call: ApiCall) => void) | undefined;

  constructor(options: KubeClientOptions) {
    const userAgent = options.userAgent ?? 'berth';
    this.#access = options.access;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#fieldManager = userAgent.split('/')[0] ?? userAgent;
    this.#clock = options.clock;
    this.#onCall = options.onCall?.bind(options);
    this.#transport = new Transport({
      access: options.access,
      clock: this.#clock,
      onDate: options.onDate?.bind(options),
      maxConnections: options.maxConnections ?? 16,
      userAgent,
    });
  }

  async get<T extends KubeObject>(
    kind: Resource<T>,
    at: ObjectName,
    options: { signal?: AbortSignal } = {},
  ): Promise<T> {
    return (await this.#call({ ...to('get', kind), path: pathOf(kind, at), signal: options.signal })) as T;
  }

  async list<T extends KubeObject>(kind: Resource<T>, options: ListOptions = {}): Promise<ListPage<T>> {
    const query = selectionQuery(options);
    if (options.limit !== undefined) query.set('limit', String(options.limit));
    if (options.continueToken) query.set('continue', options.continueToken);
    const path = withQuery(pathOf(kind, namespaceOf(options)), query);
    const accept = acceptOf(options, 'PartialObjectMetadataList');
    const body = (await this.#call({ ...to('list', kind), path, accept, signal: options.signal })) as RawList<T>;
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
    const response = await this.#open({ ...to('watch', kind), path, accept, signal: options.signal, isStream: true });
    for await (const line of readLines(response.body)) yield decodeWatchLine<T>(line, path);
  }

  async create<T extends KubeObject>(kind: Resource<T>, object: NewObject<T>, options: WriteOptions = {}): Promise<T> {
    const { namespace } = object.metadata;
    const path = this.#writePath(pathOf(kind, namespaceOf({ namespace }), options.subresource), options);
    const body = typed(kind, object);
    return (await this.#call({ ...to('create', kind, options), path, body, signal: options.signal })) as T;
  }

  async replace<T extends KubeObject>(kind: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const path = this.#writePath(pathOf(kind, object.metadata, options.subresource), options);
    const body = typed(kind, object);
    return (await this.#call({ ...to('update', kind, options), path, body, signal: options.signal })) as T;
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
    const call = { ...to('patch', kind, options), path, body, contentType, signal: options.signal };
    return (await this.#call(call)) as T;
  }

  async delete<T extends KubeObject>(kind: Resource<T>, at: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(options.preconditions ? { preconditions: options.preconditions } : {}),
    };
    await this.#call({ ...to('delete', kind), path: pathOf(kind, at), body, signal: options.signal });
  }

  /** Returns the parsed answer of a GET on any path, e.g. `/version`. */
  async raw(path: string, options: { signal?: AbortSignal } = {}): Promise<unknown> {
    return this.#call({ verb: 'get', resource: 'raw', path, signal: options.signal });
  }

  /** Returns the answer of a GET on any path as it is, e.g. of the log of a pod. */
  async text(path: string, options: { signal?: AbortSignal } = {}): Promise<string> {
    const call: Call = { verb: 'get', resource: 'raw', path, accept: '*/*', signal: options.signal };
    return this.#measured(call, async () => (await this.#send(call, false)).text());
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }

  #writePath(path: string, options: WriteOptions, extra: Record<string, string> = {}): string {
    return withQuery(path, new URLSearchParams({ fieldManager: options.fieldManager ?? this.#fieldManager, ...extra }));
  }

  async #call(call: Call): Promise<unknown> {
    return this.#measured(call, async () => parseJson(await (await this.#send(call, false)).text(), call));
  }

  #open(call: Call & { isStream: true }): Promise<OpenResponse> {
    return this.#measured(call, () => this.#send(call, call.isStream));
  }

  async #measured<Result>({ verb, resource }: Call, work: () => Promise<Result>): Promise<Result> {
    const startMs = this.#clock.now();
    const ended = (result: ApiCall['result']) =>
      this.#onCall?.({ verb, resource, result, milliseconds: this.#clock.now() - startMs });
    try {
      const done = await work();
      ended('ok');
      return done;
    } catch (error) {
      if (error instanceof KubeError) ended(error.code);
      throw error;
    }
  }

  async #send(call: Call, isStream: boolean): Promise<OpenResponse> {
    const request: HttpRequest = {
      method: METHODS[call.verb],
      path: call.path,
      signal: call.signal,
      isStream,
      timeoutMs: this.#timeoutMs,
      ...(call.accept === undefined ? {} : { accept: call.accept }),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.contentType === undefined ? {} : { contentType: call.contentType }),
    };
    let response = await this.#transport.open(request);
    if (response.status === 401) {
      // The token may have been replaced since it was read: one more try with a fresh one.
      this.#access.invalidate();
      await response.text();
      response = await this.#transport.open(request);
    }
    if (response.status >= 200 && response.status < 300) return response;
    throw await errorOf(response, call);
  }
}

async function errorOf(response: OpenResponse, call: Call): Promise<KubeError> {
  const text = await response.text();
  const status = statusIn(text);
  const code = codeOfStatus(response.status, status.reason);
  const header = response.headers['retry-after'];
  const seconds = status.details?.retryAfterSeconds;
  return new KubeError(
    code,
    `${METHODS[call.verb]} ${call.path}: ${response.status} ${status.message ?? text.slice(0, 200)}`,
    {
      status: response.status,
      retryAfterMs: parseRetryAfter(header) ?? (seconds ? seconds * 1000 : undefined),
    },
  );
}
