// SPDX-License-Identifier: Apache-2.0
/** A ConfigMap of which we alone write the data: made when it is not there, set back when somebody edits it. */
import {
  type Clock,
  type ConfigMap,
  configMaps,
  isKubeError,
  type KubeApi,
  KubeError,
  type ReadStore,
} from '@berth/kube';
import { isSameData, type PoolData } from './pool-source.ts';

/** Changes are collected for so long before they are written, in milliseconds. */
const COLLECT_MS = 500;

/** Wait after a failure, in milliseconds. */
const RETRY_MS = 5_000;

export interface OwnedConfigMapOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly store: ReadStore<ConfigMap>;
  readonly namespace: string;
  readonly name: string;
  /** Returns what the data should be now; undefined while there is nothing to say. */
  data(): PoolData | undefined;
  onError(error: KubeError): void;
}

export class OwnedConfigMap {
  readonly #options: OwnedConfigMapOptions;
  readonly #signal: AbortSignal;
  #isScheduled = false;
  #writing: Promise<void> = Promise.resolve();

  /** Works until the signal is aborted. */
  constructor(options: OwnedConfigMapOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
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
    if (this.#signal.aborted || wanted === undefined || (present && isSameData(present.data ?? {}, wanted))) return;
    try {
      await this.#send(present, wanted);
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

  #failed(error: KubeError): void {
    if (this.#signal.aborted) return;
    // Our view is a moment old: the watch brings the change, and with it the next try; the timer is for safety.
    if (!isKubeError(error, 'conflict', 'already-exists', 'not-found')) this.#options.onError(error);
    this.touch(RETRY_MS);
  }
}
