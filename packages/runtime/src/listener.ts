// SPDX-License-Identifier: Apache-2.0
/**
 * What servers of HTTP and HTTPS are made from: one listens now or as soon as it can, takes a bounded number of
 * connections, and ends.
 */
import type { Server, ServerOptions, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A port that somebody else has is tried again after this time, in milliseconds. */
const LISTEN_AGAIN_MS = 5_000;
/**
 * Connections at a time; each takes memory, and whoever reaches the port may open any number. More are closed as they
 * come.
 */
export const MOST_CONNECTIONS = 128;
/**
 * A connection whose request is not complete by then is closed, in milliseconds, so that its place is free again; and
 * how often that is looked at.
 */
const [REQUEST_WITHIN_MS, LOOK_MS] = [10_000, 5_000];

/** Bounds of a server in time, for its constructor. */
export const SERVER_LIMITS: ServerOptions = {
  headersTimeout: REQUEST_WITHIN_MS,
  requestTimeout: REQUEST_WITHIN_MS,
  connectionsCheckingInterval: LOOK_MS,
};

export interface ListenerOptions {
  /** Undefined: all addresses. */
  readonly host: string | undefined;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Milliseconds after which a port that somebody else has is tried again. @default 5000 */
  readonly listenAgainMs?: number;
}

export abstract class Listener {
  readonly #server: Pick<Server, 'listen' | 'once' | 'off' | 'address' | 'listening' | 'close' | 'closeAllConnections'>;
  readonly #options: ListenerOptions;
  #again: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** `server` is not listening yet, and is no one else's from now on. */
  constructor(server: Server, options: ListenerOptions) {
    this.#server = server;
    this.#options = options;
    server.maxConnections = MOST_CONNECTIONS;
  }

  /** Resolves when it listens; rejects when the address is taken. */
  async start(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, ...(host !== undefined && { host }) }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /**
   * Listens as soon as that is possible, and reports once why it is not: for a process whose work does not wait for who
   * watches it.
   */
  listenPatiently(onFailed: (error: unknown) => void): void {
    const { listenAgainMs = LISTEN_AGAIN_MS } = this.#options;
    const again = (isReported: boolean) =>
      this.start().catch((error: unknown) => {
        if (!isReported) onFailed(error);
        if (!this.#isStopped) this.#again = setTimeout(() => void again(true), listenAgainMs);
      });
    void again(false);
  }

  /** Port that is listened on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#again);
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Answers a request with a text. */
export function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
