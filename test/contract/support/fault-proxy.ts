// SPDX-License-Identifier: Apache-2.0

// A plain HTTP proxy in front of the API server that breaks what a test wants broken: it cuts connections, swallows
// data, refuses connections, and answers in the server's place.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ClusterAccess, Credentials } from '@berth/kube';

/** An answer in the server's place. */
export interface FalseAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Rule {
  readonly matches: (method: string, url: string) => boolean;
  readonly answer: FalseAnswer;
  left: number;
}

export class FaultProxy {
  /** "METHOD /path?query" of every request that came in. */
  readonly requests: string[] = [];
  readonly #access: ClusterAccess;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #rules: Rule[] = [];
  #upstream: Agent | undefined;
  #isRefusing = false;
  #isSwallowing = false;

  private constructor(access: ClusterAccess) {
    this.#access = access;
    this.#server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing));
    this.#server.on('connection', (socket) => {
      if (this.#isRefusing) socket.resetAndDestroy();
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(access: ClusterAccess): Promise<FaultProxy> {
    const proxy = new FaultProxy(access);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Access that leads through the proxy. */
  get access(): ClusterAccess {
    const { port } = this.#server.address() as AddressInfo;
    return {
      server: `http://127.0.0.1:${port}`,
      namespace: this.#access.namespace,
      credentials: async (): Promise<Credentials> => ({ headers: (await this.#access.credentials()).headers, tls: {} }),
      invalidate: () => this.#access.invalidate(),
    };
  }

  /** How many watches came in. */
  get watches(): number {
    return this.requests.filter((line) => line.includes('watch=1')).length;
  }

  /** How many lists came in; one of a single object only asks how far the server is. */
  get lists(): number {
    const isList = (line: string) => line.startsWith('GET ') && !/watch=1|[?&]limit=1(&|$)/.test(line);
    return this.requests.filter(isList).length;
  }

  /** Resets all connections. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Ends all connections in order, in the middle of whatever they carry. */
  close(): void {
    for (const socket of this.#sockets) socket.end();
  }

  /** Resets new connections from now on. */
  set refusing(isRefusing: boolean) {
    this.#isRefusing = isRefusing;
    if (isRefusing) this.reset();
  }

  /** Passes nothing on from now on, without closing anything: a dead path. */
  set swallowing(isSwallowing: boolean) {
    this.#isSwallowing = isSwallowing;
  }

  /** Answers the next `times` matching requests itself. */
  answer(matches: Rule['matches'], answer: FalseAnswer, times = 1): void {
    this.#rules.push({ matches, answer, left: times });
  }

  async stop(): Promise<void> {
    this.reset();
    this.#upstream?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = incoming;
    this.requests.push(`${method} ${url}`);
    const rule = this.#rules.find((candidate) => candidate.left > 0 && candidate.matches(method, url));
    if (rule) {
      rule.left -= 1;
      incoming.resume();
      outgoing.writeHead(rule.answer.status, { 'Content-Type': 'application/json', ...rule.answer.headers });
      outgoing.end(rule.answer.body ?? '{}');
      return;
    }
    await this.#forward(incoming, outgoing);
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { tls } = await this.#access.credentials();
    this.#upstream ??= new Agent({ ...tls, keepAlive: true });
    const { method, url } = incoming;
    const { host: _, ...headers } = incoming.headers;
    const options = { method: method ?? 'GET', headers, agent: this.#upstream };
    const upstream = request(new URL(this.#access.server + url), options, (answer) => {
      if (this.#isSwallowing) return;
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.on('data', (chunk) => {
        if (!this.#isSwallowing) outgoing.write(chunk);
      });
      answer.on('end', () => outgoing.end());
      answer.on('error', () => outgoing.destroy());
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }
}
