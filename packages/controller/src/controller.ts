// SPDX-License-Identifier: Apache-2.0
/** One replica: watches the cluster all the time, and works while it holds the Lease. */
import { randomBytes } from 'node:crypto';
import { loadBalancerClassRule } from '@berth/core';
import { type KubeApi, LeaderElector } from '@berth/kube';
import { type Clock, errorFields, type Log, type Task } from '@berth/runtime';
import { ApiOutages } from './cluster/api-outages.ts';
import { ClusterView } from './cluster/cluster-view.ts';
import { HeartbeatSecret } from './cluster/heartbeat-secret.ts';
import { countSpeakers } from './cluster/speaker-counts.ts';
import { LeaderTerm } from './leader-term.ts';
import { Metrics } from './metrics.ts';

export interface ControllerOptions {
  readonly api: KubeApi;
  readonly log: Log;
  /** Namespace of Berth. */
  readonly namespace: string;
  /** Name in the Lease, unique among the replicas. */
  readonly identity: string;
  readonly loadBalancerClass: string;
  /** Namespace of the objects of MetalLB that are read beside the ConfigMap. @default none are read */
  readonly metallbNamespace?: string | undefined;
  /** Whether Services with an address carry our finalizer. */
  readonly finalizer: boolean;
  /** @default 15 */
  readonly leaseSeconds?: number;
  /** @default controller */
  readonly leaseName?: string;
  readonly clock: Clock;
}

export class Controller implements Task {
  readonly name = 'controller';
  readonly metrics: Metrics;
  readonly #view: ClusterView;
  readonly #elector: LeaderElector;
  readonly #heartbeatSecret: HeartbeatSecret;
  readonly #outages = new ApiOutages();
  #term: LeaderTerm | undefined;

  constructor(options: ControllerOptions) {
    const { api, log, namespace, identity } = options;
    const clock = options.clock;
    this.metrics = new Metrics({
      isLeader: () => this.isLeader,
      pools: () => this.#term?.pools,
      usage: () => this.#term?.usage() ?? [],
      refusals: () => this.#term?.refusals() ?? new Map(),
      unwritable: () => this.#term?.unwritable() ?? new Map(),
      unwritableMaps: () => this.#term?.unwritableMaps() ?? [],
      silent: () => this.#term?.silent() ?? new Map(),
      speakers: () =>
        this.isLeader ? countSpeakers([...this.#view.nodes.values()], this.#view.nodeStates.reports) : undefined,
      queueLength: () => this.#term?.queueLength,
    });
    this.#view = new ClusterView({ api, clock, namespace, metallbNamespace: options.metallbNamespace });
    this.#view.failures.subscribe((what, error, retryInMs) => {
      this.metrics.apiFailed(error);
      this.#outages.failed(error, clock.date().getTime(), retryInMs);
      this.#term?.outageBegan();
      log.warn('watch failed', { what, retryInMs, ...errorFields(error) });
    });
    this.#heartbeatSecret = this.#newHeartbeatSecret({ ...options, clock });
    this.#elector = new LeaderElector({
      api,
      clock,
      identity,
      lease: { namespace, name: options.leaseName ?? 'controller' },
      leaseSeconds: options.leaseSeconds ?? 15,
      lead: (signal) => this.#lead({ ...options, clock }, signal),
      onError: (error) => {
        this.metrics.apiFailed(error);
        log.warn('lease not renewed or taken', errorFields(error));
      },
    });
  }

  /** Resolves when this replica knows the cluster: it leads, or could at once. */
  get ready(): Promise<void> {
    return this.#view.ready;
  }

  get isReady(): boolean {
    return this.#view.isReady;
  }

  get isLeader(): boolean {
    return this.#elector.isLeader;
  }

  start(): void {
    this.#view.start();
    this.#heartbeatSecret.start();
    this.#elector.start();
  }

  /** Ends the term, gives the Lease back and closes the watches. */
  async stop(): Promise<void> {
    await this.#elector.stop();
    await this.#heartbeatSecret.stop();
    await this.#view.stop();
  }

  #newHeartbeatSecret({ api, clock, namespace, log }: ControllerOptions & { readonly clock: Clock }): HeartbeatSecret {
    const secret = new HeartbeatSecret({ api, clock, namespace, randomBytes });
    secret.made.subscribe(() => log.info('heartbeat secret made'));
    secret.failures.subscribe((error) => {
      this.metrics.apiFailed(error);
      log.warn('heartbeat secret can be neither read nor made', errorFields(error));
    });
    return secret;
  }

  async #lead(options: ControllerOptions & { readonly clock: Clock }, signal: AbortSignal): Promise<void> {
    await Promise.race([this.#view.ready, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
    if (signal.aborted) return;
    options.log.info('leading', { identity: options.identity });
    const classRule = loadBalancerClassRule(options.loadBalancerClass);
    const term = new LeaderTerm(
      { ...options, view: this.#view, metrics: this.metrics, classRule, outages: this.#outages },
      signal,
    );
    this.#term = term;
    await term.run();
    if (this.#term === term) this.#term = undefined;
    options.log.info('no longer leading', { identity: options.identity });
  }
}
