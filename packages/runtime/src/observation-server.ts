// SPDX-License-Identifier: Apache-2.0
/**
 * What a daemon serves to those who watch it: health and metrics on one port, or metrics over TLS on it and health on a
 * port of its own.
 */
import type { Clock } from './clock.ts';
import { HttpServer, type MetricsSource } from './http-server.ts';
import type { Log } from './log.ts';
import type { ListenAddress } from './options.ts';
import { type Admission, SecureMetricsServer } from './secure-metrics-server.ts';
import { ServingCertificate } from './serving-certificate.ts';

/** Options of a daemon that say how it is watched. */
export interface ObservationConfig {
  readonly metricsAddress: ListenAddress;
  /** Where health is served when metrics ask for a token. */
  readonly healthAddress: ListenAddress;
  readonly metricsAuth: 'none' | 'token';
  /** Folder of the certificate; undefined: the process makes one. */
  readonly metricsCertFolder: string | undefined;
}

export interface ObservationOptions extends MetricsSource {
  readonly config: ObservationConfig;
  /** What the process calls itself in a certificate of its own. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  whyNotReady(): string | undefined;
  /** Says whether the bearer of a token may read the metrics. */
  admit(token: string): Promise<Admission>;
}

export interface ObservationServer {
  readonly name: string;
  /** Resolves when it listens; rejects when an address is taken. */
  start(): Promise<void>;
  /** Listens as soon as that is possible, and tells each port once why it is not. */
  listenPatiently(onFailed: (error: unknown) => void): void;
  stop(): Promise<void>;
}

/** Nothing listens before it is started. */
export function observationServer(options: ObservationOptions): ObservationServer {
  const { config, name, clock, log } = options;
  const whyNotReady = () => options.whyNotReady();
  const metrics = { metrics: (accept: string | undefined) => options.metrics(accept) };
  if (config.metricsAuth === 'none') return new HttpServer({ ...config.metricsAddress, whyNotReady, ...metrics });
  const certificate = new ServingCertificate({ folder: config.metricsCertFolder, name, clock, log });
  const health = new HttpServer({ ...config.healthAddress, whyNotReady });
  const secure = new SecureMetricsServer({
    ...{ ...config.metricsAddress, ...metrics, certificate },
    admit: (token) => options.admit(token),
  });
  return {
    name: 'health and metrics',
    start: async () => {
      certificate.start();
      await Promise.all([health.start(), secure.start()]);
    },
    listenPatiently: (onFailed) => {
      certificate.start();
      for (const server of [health, secure]) server.listenPatiently(onFailed);
    },
    stop: async () => {
      certificate.stop();
      await Promise.all([health.stop(), secure.stop()]);
    },
  };
}
