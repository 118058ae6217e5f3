// SPDX-License-Identifier: Apache-2.0
/**
 * Serves /healthz (the process works), /readyz (it does its work, or could), and /metrics unless these are served
 * elsewhere.
 */
import { createServer, type ServerResponse } from 'node:http';
import { Listener, type ListenerOptions, SERVER_LIMITS, send } from './listener.ts';

export { MOST_CONNECTIONS } from './listener.ts';

export interface MetricsText {
  metrics(): Promise<string>;
  readonly metricsType: string;
}

export interface HttpServerOptions extends ListenerOptions, Partial<MetricsText> {
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
    server.on('request', (request, response) => void this.#answer(request.url ?? '', response));
  }

  async #answer(url: string, response: ServerResponse): Promise<void> {
    const { metrics, metricsType } = this.#options;
    switch (url.split('?')[0]) {
      case '/healthz':
        return send(response, 200, 'ok\n');
      case '/readyz':
        return this.#sendReadiness(response);
      case '/metrics':
        if (metrics === undefined) return send(response, 404, 'metrics are served by HTTPS on another port\n');
        return sendMetrics(response, { metrics: () => metrics.call(this.#options), metricsType: metricsType ?? '' });
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
export async function sendMetrics(response: ServerResponse, { metrics, metricsType }: MetricsText): Promise<void> {
  try {
    send(response, 200, await metrics(), metricsType);
  } catch (error) {
    send(response, 500, `metrics: ${(error as Error).message}\n`);
  }
}
