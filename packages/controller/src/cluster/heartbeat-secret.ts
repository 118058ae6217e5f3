// SPDX-License-Identifier: Apache-2.0
/**
 * The Secret with which the speakers sign their heartbeats (docs/design/0010-membership-protocol.md, 3.4): made when it
 * is not there, so that a fresh install works at once, and never changed or read. Every replica sees to it; the API
 * server lets one of them make it.
 */
import { HEARTBEAT_SECRET } from '@berth/core';
import { isKubeError, type KubeApi, KubeError, Reflector, type Secret, Store, secrets } from '@berth/kube';
import { Backoff, type Clock, Signal, type Task, type Timer } from '@berth/runtime';

const KEY_BYTES = 32;

/** Waits after failures, in milliseconds: a right that is missing is given by people, seldom within seconds. */
const BACKOFF = { baseMs: 5_000, capMs: 300_000 };

export interface HeartbeatSecretOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly namespace: string;
  /** Returns so many random bytes. */
  randomBytes(size: number): Buffer;
}

export class HeartbeatSecret implements Task {
  readonly made = new Signal();
  /** It can be neither read nor made. */
  readonly failures = new Signal<[error: KubeError]>();
  readonly name = 'heartbeat secret';
  readonly ready: Promise<void>;
  readonly #options: HeartbeatSecretOptions;
  readonly #store = new Store<Secret>();
  readonly #reflector: Reflector<Secret>;
  readonly #stopper = new AbortController();
  readonly #backoff = new Backoff(BACKOFF);
  #retry: Timer | undefined;

  constructor(options: HeartbeatSecretOptions) {
    const { api, clock, namespace } = options;
    this.#options = options;
    this.#reflector = new Reflector<Secret>({
      ...{ api, clock },
      kind: secrets,
      store: this.#store,
      // What is in it is no business of the controller.
      selection: { namespace, fieldSelector: `metadata.name=${HEARTBEAT_SECRET}`, metadataOnly: true },
      onError: (error) => this.failures.emit(error),
    });
    this.ready = this.#reflector.ready;
  }

  start(): void {
    this.#store.subscribe(({ type }) => {
      if (type === 'deleted') void this.#ensure();
    });
    this.#reflector.start();
    void this.#reflector.ready.then(() => this.#ensure());
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    this.#retry?.cancel();
    await this.#reflector.stop();
  }

  async #ensure(): Promise<void> {
    const { signal } = this.#stopper;
    if (this.#store.size > 0 || signal.aborted) return;
    const { api, namespace, randomBytes } = this.#options;
    const data = { current: randomBytes(KEY_BYTES).toString('base64') };
    const labels = { 'berth.dev/part': HEARTBEAT_SECRET };
    try {
      await api.create(secrets, { metadata: { namespace, name: HEARTBEAT_SECRET, labels }, data }, { signal });
      this.#backoff.reset();
      this.made.emit();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (!(error instanceof KubeError)) throw error;
    // Another replica was faster, or this one is ending.
    if (isKubeError(error, 'already-exists')) this.#backoff.reset();
    if (isKubeError(error, 'already-exists', 'aborted') || this.#stopper.signal.aborted) return;
    this.failures.emit(error);
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(this.#backoff.next(), () => void this.#ensure());
  }
}
