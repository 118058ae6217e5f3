// SPDX-License-Identifier: Apache-2.0
/** Serves /metrics, /healthz (the process works) and /readyz (it does its work, or could). */
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// Not `import`: that would load parts of Node for 13 MB that nobody uses (docs/design/0002-kube-client.md).
const { createServer } = process.getBuiltinModule('node:http');

export interface HttpServerOptions {
  readonly host: string | undefined;
  /** 0 lets the system choose. */
  readonly port: number;
  isReady(): boolean;
  /** Why it is not ready, in words, for people who look. */
  whyNotReady?(): string | undefined;
  metrics(): Promise<string>;
  readonly metricsType: string;
}

export class HttpServer {
  readonly name = 'http server';
  readonly #options: HttpServerOptions;
  readonly #server: Server;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request.url ?? '', response));
  }

  /** Resolves when it listens; rejects when the address is taken. */
  async start(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, ...(host !== undefined && { host }) }, resolve);
    });
  }

  /** Port that is listened on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(url: string, response: ServerResponse): Promise<void> {
    switch (url.split('?')[0]) {
      case '/healthz':
        return send(response, 200, 'ok\n');
      case '/readyz':
        return this.#sendReadiness(response);
      case '/metrics':
        return this.#sendMetrics(response);
      default:
        return send(response, 404, 'not found\n');
    }
  }

  #sendReadiness(response: ServerResponse): void {
    const why = this.#options.whyNotReady?.();
    if (this.#options.isReady()) send(response, 200, 'ok\n');
    else send(response, 503, why === undefined ? 'not ready\n' : `not ready: ${why}\n`);
  }

  async #sendMetrics(response: ServerResponse): Promise<void> {
    try {
      send(response, 200, await this.#options.metrics(), this.#options.metricsType);
    } catch (error) {
      send(response, 500, `metrics: ${(error as Error).message}\n`);
    }
  }
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
