// SPDX-License-Identifier: Apache-2.0
/** Serves /metrics over TLS to those whose token is admitted. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type MetricsSource, sendMetrics } from './http-server.ts';
import { Listener, type ListenerOptions, SERVER_LIMITS, send } from './listener.ts';
import type { ServingCertificate } from './serving-certificate.ts';

/** What became of a token. */
export type Admission =
  | { readonly status: 200 }
  /** 401: not known; 403: known and not allowed; 429: too many questions; 503: no one can tell now. */
  | { readonly status: 401 | 403 | 429 | 503; readonly why: string };

export interface SecureMetricsServerOptions extends ListenerOptions, MetricsSource {
  readonly certificate: Pick<ServingCertificate, 'current' | 'changes'>;
  /** Says whether the bearer of a token may read the metrics. */
  admit(token: string): Promise<Admission>;
}

export class SecureMetricsServer extends Listener {
  readonly name = 'metrics server';
  readonly #options: SecureMetricsServerOptions;

  constructor(options: SecureMetricsServerOptions) {
    const { certificate } = options;
    const server = createServer({ ...SERVER_LIMITS, minVersion: 'TLSv1.2', ...certificate.current });
    super(server as unknown as Server, options);
    this.#options = options;
    server.on('request', (request, response) => void this.#answer(request, response));
    certificate.changes.subscribe((pair) => server.setSecureContext({ minVersion: 'TLSv1.2', ...pair }));
  }

  async #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url.split('?')[0] !== '/metrics') return send(response, 404, 'not found\n');
    const token = /^Bearer +([\w.~+/=-]+)$/i.exec(headers.authorization ?? '')?.[1];
    const admission: Admission =
      token === undefined
        ? { status: 401, why: 'wanted the header "Authorization: Bearer TOKEN"' }
        : await this.#options.admit(token);
    if (admission.status === 200) return sendMetrics(response, this.#options.metrics(headers.accept));
    if (admission.status === 401) response.setHeader('www-authenticate', 'Bearer');
    send(response, admission.status, `${admission.why}\n`);
  }
}
