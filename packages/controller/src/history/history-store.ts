// SPDX-License-Identifier: Apache-2.0
/**
 * The ConfigMap that holds the history: read when a term begins, written by compare-and-swap. It is not watched, so at
 * rest it costs nothing.
 */
import {
  encodeHistory,
  HISTORY_KEY,
  HISTORY_LABEL,
  HISTORY_MAP,
  type HistoryFound,
  type HistoryRecords,
  historyIn,
} from '@berth/core';
import { type ConfigMap, configMaps, isKubeError, type KubeApi } from '@berth/kube';

export interface HistoryStoreOptions {
  readonly api: Pick<KubeApi, 'list' | 'create' | 'replace'>;
  /** Namespace of Berth. */
  readonly namespace: string;
}

export class HistoryStore {
  readonly #options: HistoryStoreOptions;
  #object: ConfigMap | undefined;

  constructor(options: HistoryStoreOptions) {
    this.#options = options;
  }

  /** Reads what is there now. A list of one, which takes no right to get ConfigMaps. */
  async load(signal: AbortSignal): Promise<HistoryFound> {
    const { api, namespace } = this.#options;
    const { items } = await api.list(configMaps, { namespace, fieldSelector: `metadata.name=${HISTORY_MAP}`, signal });
    [this.#object] = items;
    return historyIn(this.#object);
  }

  /**
   * Writes over what was read last; returns the length of the text, or undefined where somebody else wrote meanwhile:
   * then it is to be read anew.
   */
  async write(records: HistoryRecords, signal: AbortSignal): Promise<number | undefined> {
    const text = encodeHistory(records);
    try {
      this.#object = await this.#send(text, signal);
      return text.length;
    } catch (error) {
      if (isKubeError(error, 'conflict', 'already-exists', 'not-found')) return undefined;
      throw error;
    }
  }

  #send(text: string, signal: AbortSignal): Promise<ConfigMap> {
    const { api, namespace } = this.#options;
    const present = this.#object;
    const data = { ...present?.data, [HISTORY_KEY]: text };
    if (present) return api.replace(configMaps, { ...present, data }, { signal });
    const metadata = { namespace, name: HISTORY_MAP, labels: HISTORY_LABEL };
    return api.create(configMaps, { metadata, data }, { signal });
  }
}
