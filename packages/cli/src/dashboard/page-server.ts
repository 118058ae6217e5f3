// SPDX-License-Identifier: Apache-2.0
/**
 * The server of the page: files for everybody who comes by its own name, data for whoever shows a session. 127.0.0.1
 * only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PageFile } from '@berth/dashboard';
import { bearerOf, type Refusal, refusalOf, SAFE_HEADERS } from './request-guard.ts';
import { Sessions } from './sessions.ts';

/** A pool file travels in the address, compressed; with it a request may have this many bytes. */
const MOST_HEADER_BYTES = 512 * 1024;
const MOST_CONNECTIONS = 64;
/**
 * Who does not say within this time, in milliseconds, what it wants makes room: anybody on this machine can open
 * connections.
 */
const ASK_WITHIN_MS = 10_000;

/** What a question about data is answered with: a JSON value, or why there is none. */
export type Answer = { readonly value: unknown } | { readonly refusal: Refusal };

export interface PageServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** How long a request may take to arrive, in milliseconds. Default: 10 s. */
  readonly askWithinMs?: number;
  /** By path. */
  readonly files: ReadonlyMap<string, PageFile>;
  /** Answers a question of the page, by path and query; undefined: there is no such question. */
  answer(path: string, query: URLSearchParams): Answer | Promise<Answer> | undefined;
  /** Takes over the response and sends events on it. */
  stream(response: ServerResponse): void;
}

export class PageServer {
  readonly #options: PageServerOptions;
  readonly #server: Server;
  readonly #sessions = new Sessions();

  constructor(options: PageServerOptions) {
    this.#options = options;
    const askWithinMs = options.askWithinMs ?? ASK_WITHIN_MS;
    const limits = {
      maxHeaderSize: MOST_HEADER_BYTES,
      ...{ headersTimeout: askWithinMs, requestTimeout: askWithinMs, connectionsCheckingInterval: askWithinMs / 4 },
    };
    this.#server = createServer(limits, (request, response) => {
      this.#respond(request, response).catch((error: unknown) => {
        refuse(response, { status: 400, text: error instanceof Error ? error.message : String(error) });
      });
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /** Resolves when it listens; rejects when the port is taken. */
  async start(): Promise<void> {
    const { port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: '127.0.0.1', port }, () => resolve());
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Port that is listened on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What a person opens; it works once. */
  get address(): string {
    return `http://127.0.0.1:${this.port}/#${this.#sessions.token ?? ''}`;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request, this.port);
    if (refusal) return refuse(response, refusal);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const file = this.#options.files.get(pathname === '/' ? '/index.html' : pathname);
    if (file) return sendFile(request, response, file);
    const bearer = bearerOf(request) ?? '';
    if (pathname === '/session') return this.#openSession(response, bearer);
    if (!this.#sessions.isKnown(bearer)) return refuse(response, NO_SESSION);
    if (pathname === '/events') return this.#options.stream(response);
    const answer = await this.#options.answer(pathname, searchParams);
    if (answer === undefined) return refuse(response, { status: 404, text: 'not found' });
    if ('refusal' in answer) return refuse(response, answer.refusal);
    send(response, 200, JSON.stringify(answer.value), 'application/json');
  }

  #openSession(response: ServerResponse, token: string): void {
    const session = this.#sessions.spend(token);
    if (session === undefined) refuse(response, NO_SESSION);
    else send(response, 200, JSON.stringify({ session }), 'application/json');
  }
}

const NO_SESSION: Refusal = { status: 401, text: 'this address was used before, or is not complete' };

function refuse(response: ServerResponse, { status, text }: Refusal): void {
  if (response.headersSent) response.destroy();
  else send(response, status, `${text}\n`, 'text/plain; charset=utf-8');
}

function sendFile({ headers }: IncomingMessage, response: ServerResponse, { type, gzip, text }: PageFile): void {
  if (/\bgzip\b/.test(headers['accept-encoding'] ?? ''))
    response.writeHead(200, { ...SAFE_HEADERS, 'content-type': type, 'content-encoding': 'gzip' }).end(gzip);
  else send(response, 200, text(), type);
}

function send(response: ServerResponse, status: number, body: string, type: string): void {
  response.writeHead(status, { ...SAFE_HEADERS, 'content-type': type }).end(body);
}
