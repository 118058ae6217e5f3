// SPDX-License-Identifier: Apache-2.0

// The API server in memory behind HTTP, for a controller in a process of its own.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  configMaps,
  events,
  KubeError,
  type KubeObject,
  type ListOptions,
  leases,
  type NewObject,
  namespaces,
  nodes,
  type ObjectName,
  type Resource,
  secrets,
  serviceCidrs,
  services,
} from '@berth/kube';
import type { FakeApi } from '@berth/kube/testing';

/** What the controller reads or writes. */
const KINDS: readonly Resource<KubeObject>[] = [
  ...[configMaps, events, leases, namespaces, nodes, secrets, serviceCidrs, services],
];
/** API version, namespace, plural name, name and sub-resource. */
const PATH = /^\/apis?\/(v1|[^/]+\/[^/]+)\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?(?:\/[^/]+)?$/;
const METADATA_ONLY = 'as=PartialObjectMetadata';
const REASONS: Readonly<Record<string, string>> = { 'already-exists': 'AlreadyExists', conflict: 'Conflict' };

interface Call {
  readonly api: FakeApi;
  readonly kind: Resource<KubeObject>;
  readonly at: Partial<ObjectName>;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

/** Serves the API on a free port of this machine; returns its URL and what ends it. */
export async function serveApi(api: FakeApi): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => void answer(api, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(api: FakeApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
    const call = { ...placeOf(pathname), api, request, response, query };
    if (query.has('watch')) await watch(call);
    else send(response, 200, await resultOf(call));
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    send(response, error.status ?? 500, statusOf(error));
  }
}

function placeOf(path: string): Pick<Call, 'kind' | 'at'> {
  const [, apiVersion, namespace, plural, name] = PATH.exec(path) ?? [];
  const kind = KINDS.find((one) => one.apiVersion === apiVersion && one.plural === plural);
  if (kind === undefined) throw new KubeError('not-found', `${path} is not served`, { status: 404 });
  return { kind, at: { ...(namespace && { namespace }), ...(name && { name }) } };
}

async function resultOf({ api, kind, at, request, query }: Call): Promise<unknown> {
  const object = at as ObjectName;
  switch (request.method) {
    case 'POST':
      return api.create(kind, (await json(request)) as NewObject<KubeObject>);
    case 'PUT':
      return api.replace(kind, (await json(request)) as KubeObject);
    case 'PATCH':
      return api.patch(kind, object, { type: 'merge', body: await json(request) });
    case 'DELETE':
      return api.delete(kind, object);
    default:
      return at.name === undefined ? list(api, kind, selectionOf(at, request, query)) : api.get(kind, object);
  }
}

async function list(api: FakeApi, kind: Resource<KubeObject>, options: ListOptions): Promise<unknown> {
  const { items, resourceVersion, continueToken } = await api.list(kind, options);
  return { metadata: { resourceVersion, continue: continueToken }, items };
}

function selectionOf(
  { namespace }: Partial<ObjectName>,
  request: IncomingMessage,
  query: URLSearchParams,
): ListOptions {
  const [labelSelector, fieldSelector, limit, continueToken] = [
    'labelSelector',
    'fieldSelector',
    'limit',
    'continue',
  ].map((name) => query.get(name) ?? undefined);
  return {
    ...(namespace && { namespace }),
    ...(labelSelector && { labelSelector }),
    ...(fieldSelector && { fieldSelector }),
    ...(limit && { limit: Number(limit) }),
    ...(continueToken && { continueToken }),
    metadataOnly: request.headers.accept?.includes(METADATA_ONLY) ?? false,
  };
}

async function watch({ api, kind, at, request, response, query }: Call): Promise<void> {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  const options = {
    ...selectionOf(at, request, query),
    resourceVersion: query.get('resourceVersion') ?? '',
    timeoutSeconds: Number(query.get('timeoutSeconds')),
    signal: closed.signal,
  };
  try {
    for await (const event of api.watch(kind, options)) response.write(`${JSON.stringify(event)}\n`);
    response.end();
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(error) })}\n`);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
}

function statusOf({ code, status, message }: KubeError): unknown {
  return { kind: 'Status', code: status ?? 500, reason: REASONS[code], message };
}
