// SPDX-License-Identifier: Apache-2.0
/**
 * Serves /healthz (the process works), /readyz (it does its work, or could), and /metrics unless these are served
 * elsewhere.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Listener, type ListenerOptions, SERVER_LIMITS, send } from './listener.ts';
import type { MetricsPage } from './metrics-page.ts';

export { MOST_CONNECTIONS } from './listener.ts';

export interface MetricsSource {
  /** `accept`: the header of the request that says which formats are understood. */
  metrics(accept: string | undefined): Promise<MetricsPage>;
}

export interface HttpServerOptions extends ListenerOptions, Partial<MetricsSource> {
  /** Why it is not ready, in words, for people who look; undefined when it is. */
  whyNotReady(): string | undefined;
}

export class HttpServer extends Listener {
  readonly name = 'http server';
  readonly #options: HttpServerOptions;

  constructor(options: HttpServerOptions) {
    const server = createServer(SERVER_LIMITS);
    super(server, options);
    this.#options = options;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  async #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics } = this.#options;
    switch (url.split('?')[0]) {
      case '/healthz':
        return send(response, 200, 'ok\n');
      case '/readyz':
        return this.#sendReadiness(response);
      case '/metrics':
        if (metrics === undefined) return send(response, 404, 'metrics are served by HTTPS on another port\n');
        return sendMetrics(response, metrics.call(this.#options, headers.accept));
      default:
        return send(response, 404, 'not found\n');
    }
  }

  #sendReadiness(response: ServerResponse): void {
    const why = this.#options.whyNotReady();
    if (why === undefined) send(response, 200, 'ok\n');
    else send(response, 503, `not ready: ${why}\n`);
  }
}

/** Answers a request for the metrics. */
export async function sendMetrics(response: ServerResponse, page: Promise<MetricsPage>): Promise<void> {
  try {
    const { text, type } = await page;
    send(response, 200, text, type);
  } catch (error) {
    send(response, 500, `metrics: ${(error as Error).message}\n`);
  }
}
