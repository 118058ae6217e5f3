// SPDX-License-Identifier: Apache-2.0

/**
 * HTTP to one API server over node:https with connections that are kept and reused. Watches have an agent of their own,
 * so that they never take a connection that a write waits for.
 */

import type http from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type https from 'node:https';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '@berth/runtime';
import type { ClusterAccess, Credentials, TlsMaterial } from './access.ts';
import { KubeError } from './errors.ts';

/** Idle connections are closed before the API server does it (its idle limit is 90 s), in milliseconds. */
const IDLE_MS = 60_000;

/** TCP keep-alive starts after this silence, in milliseconds; client-go's value. */
const TCP_KEEPALIVE_MS = 30_000;

export interface TransportOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  /** Most connections for requests; watches come on top. */
  readonly maxConnections: number;
  readonly userAgent: string;
  /** Called with the field Date of each answer. */
  readonly onDate?: ((date: string | undefined) => void) | undefined;
}

export interface HttpRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly contentType?: string;
  /** @default application/json */
  readonly accept?: string;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the answer must be complete, or have begun for a stream. */
  readonly timeoutMs: number;
  readonly isStream: boolean;
}

/** An answer whose body has not been read. */
export interface OpenResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Chunks of the body; throws a KubeError when the connection breaks, the time is over or the signal is aborted. */
  readonly body: AsyncIterable<Buffer>;
  /** Reads the whole body instead; rejects as `body` throws. */
  text(): Promise<string>;
}

/** Sends requests; the agents are made anew only when certificates change. */
export class Transport {
  readonly #options: TransportOptions;
  #agents: Agents | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Resolves when the head of the answer is there. */
  async open(request: HttpRequest): Promise<OpenResponse> {
    const credentials = await this.#credentials();
    // Asked only now: a listener that is added later does not hear of an abort while the credentials were read.
    if (request.signal?.aborted)
      throw new KubeError('aborted', `${request.method} ${request.path}: stopped by the caller`);
    const exchange = new Exchange(request, this.#options.clock);
    const incoming = await exchange.send(this.#nodeOptions(request, credentials), this.#options.access.server);
    this.#options.onDate?.(incoming.headers.date);
    return {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      body: exchange.read(incoming),
      text: () => exchange.readAll(incoming),
    };
  }

  /** Closes idle connections; requests under way end by themselves. */
  close(): void {
    this.#agents?.requests.destroy();
    this.#agents?.watches.destroy();
    this.#agents = undefined;
  }

  async #credentials(): Promise<Credentials> {
    try {
      return await this.#options.access.credentials();
    } catch (cause) {
      // A token file that is being replaced or a plug-in that fails for a moment is not the end.
      throw new KubeError('unauthorized', `credentials: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }

  #nodeOptions(request: HttpRequest, credentials: Credentials): https.RequestOptions {
    const headers: Record<string, string> = {
      Accept: request.accept ?? 'application/json',
      'User-Agent': this.#options.userAgent,
      ...credentials.headers,
    };
    if (request.body !== undefined) {
      headers['Content-Type'] = request.contentType ?? 'application/json';
      headers['Content-Length'] = String(Buffer.byteLength(request.body));
    }
    return {
      method: request.method,
      headers,
      agent: credentials.proxyAgent ?? this.#agentFor(request, credentials.tls),
    };
  }

  #agentFor(request: HttpRequest, tls: TlsMaterial): http.Agent {
    if (!this.#agents || !isSameTls(this.#agents.tls, tls)) {
      this.close();
      this.#agents = makeAgents(this.#options, tls);
    }
    return request.isStream ? this.#agents.watches : this.#agents.requests;
  }
}

interface Agents {
  readonly tls: TlsMaterial;
  readonly requests: http.Agent;
  readonly watches: http.Agent;
}

function makeAgents(options: TransportOptions, tls: TlsMaterial): Agents {
  const secure = options.access.server.startsWith('https:');
  const make = (own: http.AgentOptions): http.Agent =>
    secure ? new HttpsAgent({ ...tls, ...own }) : new HttpAgent(own);
  const common = { keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE_MS, timeout: IDLE_MS, scheduling: 'lifo' } as const;
  return {
    tls,
    requests: make({ ...common, maxSockets: options.maxConnections }),
    watches: make({ ...common, maxFreeSockets: 1 }),
  };
}

function isSameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  return (
    isSameBytes(a.ca, b.ca) &&
    isSameBytes(a.cert, b.cert) &&
    isSameBytes(a.key, b.key) &&
    a.servername === b.servername &&
    a.rejectUnauthorized === b.rejectUnauthorized
  );
}

function isSameBytes(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && Buffer.from(a).equals(Buffer.from(b));
}

function ignore(): void {}

/** One request and its answer, with its deadline and its signal. */
class Exchange {
  readonly #request: HttpRequest;
  readonly #clock: Clock;
  #isLate = false;

  constructor(request: HttpRequest, clock: Clock) {
    this.#request = request;
    this.#clock = clock;
  }

  send(options: https.RequestOptions, server: string): Promise<http.IncomingMessage> {
    const url = new URL(server + this.#request.path);
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const outgoing = start(url, options);
      const stop = () => outgoing.destroy();
      const deadline = this.#clock.after(this.#request.timeoutMs, () => {
        this.#isLate = true;
        stop();
      });
      this.#request.signal?.addEventListener('abort', stop, { once: true });
      outgoing.once('close', () => {
        deadline.cancel();
        this.#request.signal?.removeEventListener('abort', stop);
      });
      outgoing.once('response', (incoming) => {
        if (this.#request.isStream) deadline.cancel();
        resolve(incoming);
      });
      outgoing.on('error', (cause) => reject(this.#explain(cause)));
      outgoing.end(this.#request.body);
    });
  }

  async *read(incoming: http.IncomingMessage): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of incoming) yield chunk as Buffer;
    } catch (cause) {
      throw this.#explain(cause);
    }
  }

  // By events: an iteration takes several promises for each of thousands of answers that come in one piece.
  readAll(incoming: http.IncomingMessage): Promise<string> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const take = (chunk: Buffer) => chunks.push(chunk);
      // A connection keeps its first answer for as long as it lives, and listeners would keep what they heard.
      const letGo = () => {
        incoming.off('data', take).off('end', end).off('error', fail).off('close', fail);
        incoming.on('error', ignore);
      };
      const fail = () => {
        letGo();
        reject(this.#explain(incoming.errored ?? new Error('aborted')));
      };
      const end = () => {
        letGo();
        resolve(Buffer.concat(chunks).toString('utf8'));
      };
      if (incoming.destroyed && !incoming.readableEnded) {
        fail();
        return;
      }
      incoming.on('data', take).once('end', end).once('error', fail).once('close', fail);
    });
  }

  #explain(cause: unknown): KubeError {
    const { method, path, signal, timeoutMs } = this.#request;
    const what = `${method} ${path}`;
    if (signal?.aborted) return new KubeError('aborted', `${what}: stopped by the caller`, { cause });
    if (this.#isLate) return new KubeError('timeout', `${what}: no answer in ${timeoutMs} ms`, { cause });
    const text = cause instanceof Error ? cause.message : String(cause);
    return new KubeError('network', `${what}: ${text}`, { cause });
  }
}
