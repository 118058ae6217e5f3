// SPDX-License-Identifier: Apache-2.0
/**
 * Whether this node's kube-proxy serves a Service with `externalTrafficPolicy: Local` from endpoints of its own: it
 * says so at the Service's healthCheckNodePort, after the rules of the same pass are in force. Before that it drops
 * what comes.
 */
import { get } from 'node:http';
import { MAX_WEIGHT } from '@berth/core';
import type { Clock, Timer } from '@berth/runtime';

/** A Service without endpoints here is asked about more often: clients wait for it. In milliseconds. */
const ASK_AGAIN_MS = { none: 250, some: 1_000 } as const;
const ANSWER_WITHIN_MS = 1_000;
/** Number of local endpoints (kube-proxy, service health server); absent in old versions. */
const WEIGHT_HEADER = 'x-load-balancing-endpoint-weight';

/**
 * Number of endpoints that kube-proxy tells at an address, at most {@link MAX_WEIGHT}; 0 for none and for no answer.
 * Never rejects.
 */
export type AskHealthPort = (host: string, port: number) => Promise<number>;

export interface LocalEndpointsOptions {
  readonly clock: Clock;
  readonly ask?: AskHealthPort;
  /**
   * Addresses of this node. By default kube-proxy in nftables mode listens on its primary ones alone
   * (`nodePortAddresses`), in other modes on all.
   */
  hosts(): readonly string[];
  onChange(): void;
}

export class LocalEndpoints {
  readonly name = 'local endpoints';
  readonly #options: LocalEndpointsOptions;
  readonly #weights = new Map<number, number>();
  readonly #timers = new Map<number, Timer | undefined>();

  #news = 0;

  constructor(options: LocalEndpointsOptions) {
    this.#options = options;
  }

  /** Grows whenever a weight changes. */
  get news(): number {
    return this.#news;
  }

  /** Of the Service with this health port; 0 until it was asked. */
  weightOf(port: number): number {
    return this.#weights.get(port) ?? 0;
  }

  /** Asks at exactly these ports from now on. */
  follow(ports: ReadonlySet<number>): void {
    for (const [port, timer] of this.#timers) {
      if (ports.has(port)) continue;
      timer?.cancel();
      this.#timers.delete(port);
      this.#weights.delete(port);
      this.#news++;
    }
    for (const port of ports) {
      if (this.#timers.has(port)) continue;
      this.#timers.set(port, undefined);
      void this.#ask(port);
    }
  }

  stop(): void {
    this.follow(new Set());
  }

  async #ask(port: number): Promise<void> {
    const { clock, ask = askHealthPort, hosts, onChange } = this.#options;
    const answers = await Promise.all(hosts().map((host) => ask(host, port)));
    const weight = Math.max(0, ...answers);
    if (!this.#timers.has(port)) return;
    const isNews = this.weightOf(port) !== weight;
    this.#weights.set(port, weight);
    const delayMs = weight === 0 ? ASK_AGAIN_MS.none : ASK_AGAIN_MS.some;
    this.#timers.set(
      port,
      clock.after(delayMs, () => void this.#ask(port)),
    );
    if (!isNews) return;
    this.#news++;
    onChange();
  }
}

/** Asks the kube-proxy of this node. */
export function askHealthPort(host: string, port: number): Promise<number> {
  return new Promise((resolve) => {
    const request = get({ host, port, path: '/healthz', timeout: ANSWER_WITHIN_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? weightIn(response.headers[WEIGHT_HEADER]) : 0);
    });
    request.on('timeout', () => request.destroy());
    request.on('close', () => resolve(0));
    // The close that follows tells all that matters.
    request.on('error', () => {});
  });
}

function weightIn(header: string | readonly string[] | undefined): number {
  const number = Number(header ?? 1);
  return Number.isInteger(number) && number > 0 ? Math.min(number, MAX_WEIGHT) : 1;
}
