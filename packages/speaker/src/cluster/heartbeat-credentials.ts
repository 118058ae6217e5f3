// SPDX-License-Identifier: Apache-2.0
/**
 * What makes heartbeats those of this cluster: keys from the Secret `heartbeat`, which the controller makes, and a
 * cluster id from the UID of the namespace kube-system, which every cluster has and no two share. The Secret is
 * watched, so that a key is changed without a restart (docs/design/0010-membership-protocol.md, 3.4).
 */
import { createHash } from 'node:crypto';
import { HEARTBEAT_SECRET } from '@berth/core';
import { type KubeApi, KubeError, namespaces, Reflector, type Secret, Store, secrets } from '@berth/kube';
import { Backoff, type Clock, errorFields, type Log, sleep } from '@berth/runtime';
import { HeartbeatKeys } from './heartbeat-keys.ts';

const CLUSTER_NAMESPACE = 'kube-system';
const CLUSTER_ID_BYTES = 8;
/**
 * Where a Secret is replaced without naming the value before it, that one is accepted for so long, until all nodes know
 * the new one.
 */
const REPLACED_MS = 60_000;

export interface CredentialsOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  /** Namespace of Berth. */
  readonly namespace: string;
}

interface Replaced {
  readonly secret: Uint8Array;
  readonly untilMs: number;
}

export class HeartbeatCredentials {
  readonly name = 'heartbeat credentials';
  /** Resolves when keys and cluster id are known. */
  readonly ready: Promise<void>;
  readonly #options: CredentialsOptions;
  readonly #store = new Store<Secret>();
  readonly #reflector: Reflector<Secret>;
  readonly #stopper = new AbortController();
  readonly #keysKnown = Promise.withResolvers<void>();
  readonly #clusterKnown = Promise.withResolvers<void>();
  #keys: HeartbeatKeys | undefined;
  #current: Buffer | undefined;
  #replaced: Replaced | undefined;
  #clusterId: string | undefined;
  /** Whether the API server has said it, in this process. */
  #isConfirmed = false;

  constructor(options: CredentialsOptions) {
    const { api, clock, log, namespace } = options;
    this.#options = options;
    this.ready = Promise.all([this.#keysKnown.promise, this.#clusterKnown.promise]).then(() => {});
    this.#reflector = new Reflector<Secret>({
      ...{ api, clock },
      kind: secrets,
      store: this.#store,
      selection: { namespace, fieldSelector: `metadata.name=${HEARTBEAT_SECRET}` },
      transform: ({ metadata: { name, resourceVersion = '' }, data }) => ({
        metadata: { namespace, name, resourceVersion },
        ...(data && { data }),
      }),
      onError: (error, retryInMs) =>
        log.warn('watch failed', { what: HEARTBEAT_SECRET, retryInMs, ...errorFields(error) }),
    });
  }

  start(): void {
    const { log } = this.#options;
    this.#store.subscribe(({ type, object }) => {
      if (type === 'deleted') log.warn('heartbeat secret deleted, the last keys stay', this.#where);
      else this.#takeSecret(object);
    });
    this.#reflector.start();
    void this.#reflector.ready.then(() => {
      if (this.#store.size === 0) log.warn('waiting for the heartbeat secret, which the controller makes', this.#where);
    });
    void this.#readClusterId();
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.#reflector.stop();
  }

  /** Begins with what a speaker knew before, where the API server has not said anything else by now. */
  remember(clusterId: string, secret: SecretValues): void {
    this.#clusterId ??= clusterId;
    this.#clusterKnown.resolve();
    if (this.#keys === undefined) this.#take(secret);
  }

  /** The cluster id that the API server said; undefined before. */
  get confirmedClusterId(): string | undefined {
    return this.#isConfirmed ? this.#clusterId : undefined;
  }

  /** What is waited for, in words; undefined when everything is there. */
  get missing(): string | undefined {
    if (this.#clusterId === undefined) return `the UID of namespace ${CLUSTER_NAMESPACE}`;
    return this.#keys === undefined ? `Secret ${this.#options.namespace}/${HEARTBEAT_SECRET}` : undefined;
  }

  /** 16 hex digits. Throws before {@link HeartbeatCredentials.ready}. */
  get clusterId(): string {
    if (this.#clusterId === undefined) throw new Error('speaker: cluster id: asked for before it was read');
    return this.#clusterId;
  }

  /** The keys of this moment. Throws before {@link HeartbeatCredentials.ready}. */
  keys(): HeartbeatKeys {
    if (this.#keys === undefined) throw new Error('speaker: heartbeat keys: asked for before they were read');
    return this.#keys;
  }

  get #where() {
    return { namespace: this.#options.namespace, secret: HEARTBEAT_SECRET };
  }

  #takeSecret({ data }: Secret): void {
    this.#take({ current: decoded(data?.current), previous: decoded(data?.previous) });
  }

  // A Secret that cannot be used changes nothing: the last good keys stay.
  #take({ current, previous }: SecretValues): void {
    const { clock, log } = this.#options;
    const before = this.#current;
    const isReplaced = before !== undefined && current !== undefined && !before.equals(current);
    const replaced = isReplaced ? { secret: before, untilMs: clock.now() + REPLACED_MS } : this.#replaced;
    const made = HeartbeatKeys.of({
      current,
      previous: previous ?? stillAccepted(replaced, clock.now()),
    });
    if (!made.ok) {
      log.warn('heartbeat secret refused', { ...this.#where, problem: made.problem });
      return;
    }
    this.#keys = made.keys;
    this.#current = current;
    this.#replaced = replaced;
    this.#keysKnown.resolve();
    const { newest, previous: older } = made.keys;
    log.info('heartbeat keys', { newest: idOf(newest.id), ...(older && { previous: idOf(older.id) }) });
    if (isReplaced) clock.after(REPLACED_MS, () => this.#takeAgain());
  }

  #takeAgain(): void {
    const [secret] = this.#store.values();
    if (secret && !this.#stopper.signal.aborted) this.#takeSecret(secret);
  }

  #confirm(clusterId: string): void {
    if (this.#clusterId !== undefined && this.#clusterId !== clusterId)
      this.#options.log.warn('saved state was of another cluster', { found: this.#clusterId, want: clusterId });
    this.#clusterId = clusterId;
    this.#isConfirmed = true;
    this.#clusterKnown.resolve();
  }

  async #readClusterId(): Promise<void> {
    const { api, clock, log } = this.#options;
    const { signal } = this.#stopper;
    const backoff = new Backoff({ baseMs: 100, capMs: 5_000 });
    while (!this.#isConfirmed && !signal.aborted) {
      try {
        const { metadata } = await api.get(namespaces, { name: CLUSTER_NAMESPACE }, { signal });
        this.#confirm(clusterIdOf(metadata.uid ?? ''));
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        if (signal.aborted) return;
        const retryInMs = backoff.next();
        log.warn('namespace kube-system cannot be read', { retryInMs, ...errorFields(error) });
        await sleep(clock, retryInMs, signal);
      }
    }
  }
}

/** The values of the Secret `heartbeat`. */
export interface SecretValues {
  readonly current: Buffer | undefined;
  readonly previous: Buffer | undefined;
}

/** What tells the heartbeats of two clusters apart, from a text that no two clusters share. */
export function clusterIdOf(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, CLUSTER_ID_BYTES).toString('hex');
}

function decoded(base64: string | undefined): Buffer | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

function stillAccepted(replaced: Replaced | undefined, nowMs: number): Uint8Array | undefined {
  return replaced !== undefined && nowMs < replaced.untilMs ? replaced.secret : undefined;
}

function idOf(id: number): string {
  return id.toString(16).padStart(8, '0');
}
