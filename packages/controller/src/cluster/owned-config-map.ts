// SPDX-License-Identifier: Apache-2.0
/** A ConfigMap of which we alone write the data: made when it is not there, set back when somebody edits it. */
import { type ConfigMap, configMaps, isKubeError, type KubeApi, KubeError, type ReadStore } from '@berth/kube';
import { Backoff, type Clock, Signal } from '@berth/runtime';
import { isSameData, type PoolData } from '../pools/pool-source.ts';

/** Changes are collected for so long before they are written, in milliseconds. */
const COLLECT_MS = 500;

/** Wait after failures, in milliseconds: it is written within 10 s after what was broken is mended. */
const FAILURE_BACKOFF = { baseMs: 1_000, capMs: 8_000, jitter: 0.1 };

export interface OwnedConfigMapOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly store: ReadStore<ConfigMap>;
  readonly namespace: string;
  readonly name: string;
  /** Returns what the data should be now; undefined while there is nothing to say. */
  data(): PoolData | undefined;
  readonly random?: () => number;
}

export class OwnedConfigMap {
  /** Each failure, with the wait until the next try. */
  readonly failures = new Signal<[error: KubeError, retryInMs: number]>();
  /** It was written after a failure, or need not be written any more. */
  readonly mended = new Signal();
  readonly #options: OwnedConfigMapOptions;
  readonly #signal: AbortSignal;
  readonly #backoff: Backoff;
  #isScheduled = false;
  #isFailing = false;
  #writing: Promise<void> = Promise.resolve();

  /** Works until the signal is aborted. */
  constructor(options: OwnedConfigMapOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#backoff = new Backoff({ ...FAILURE_BACKOFF, random: options.random ?? Math.random });
  }

  /** Tells that the data may have changed, here or in the API server; written soon, and together with later changes. */
  touch(delayMs = COLLECT_MS): void {
    if (this.#isScheduled || this.#signal.aborted) return;
    this.#isScheduled = true;
    const timer = this.#options.clock.after(delayMs, () => {
      this.#signal.removeEventListener('abort', cancel);
      this.#isScheduled = false;
      this.#writing = this.#writing.then(() => this.#write());
    });
    const cancel = () => timer.cancel();
    this.#signal.addEventListener('abort', cancel, { once: true });
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { store, namespace, name, data } = this.#options;
    const wanted = data();
    const present = store.get(`${namespace}/${name}`);
    if (this.#signal.aborted) return;
    try {
      const isThere = wanted === undefined || (present && isSameData(present.data ?? {}, wanted));
      if (!isThere) await this.#send(present, wanted);
      this.#mended();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      this.#failed(error);
    }
  }

  async #send(present: ConfigMap | undefined, data: PoolData): Promise<void> {
    const { api, namespace, name } = this.#options;
    const labels = { 'berth.dev/part': name };
    const options = { signal: this.#signal };
    if (present === undefined) await api.create(configMaps, { metadata: { namespace, name, labels }, data }, options);
    else await api.replace(configMaps, { ...present, data }, options);
  }

  #mended(): void {
    this.#backoff.reset();
    if (this.#isFailing) this.mended.emit();
    this.#isFailing = false;
  }

  #failed(error: KubeError): void {
    if (this.#signal.aborted) return;
    const retryInMs = this.#backoff.next();
    // Our view is a moment old: the watch brings the change, and with it the next try; the timer is for safety.
    if (!isKubeError(error, 'conflict', 'already-exists', 'not-found')) {
      this.#isFailing = true;
      this.failures.emit(error, retryInMs);
    }
    this.touch(retryInMs);
  }
}
