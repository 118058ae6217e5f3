// SPDX-License-Identifier: Apache-2.0
/** The pool configuration in force: the last one that was right. A broken one changes nothing. */
import { type ConfigProblem, EMPTY_POOL_CONFIG, type PoolConfig, parsePoolConfig } from '@berth/core';
import type { ConfigMap } from '@berth/kube';

export class PoolSource {
  readonly #onRefused: (problems: readonly ConfigProblem[]) => void;
  #version: string | undefined;
  #config: PoolConfig = EMPTY_POOL_CONFIG;
  #isStale = false;

  constructor(onRefused: (problems: readonly ConfigProblem[]) => void) {
    this.#onRefused = onRefused;
  }

  get config(): PoolConfig {
    return this.#config;
  }

  /** Whether the newest configuration was refused. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Takes over the newest state of the ConfigMap; undefined means that there is none. */
  update(configMap: ConfigMap | undefined): void {
    const version = configMap?.metadata.resourceVersion ?? '';
    if (version === this.#version) return;
    this.#version = version;
    const parsed = parsePoolConfig(configMap?.data ?? {});
    this.#isStale = !parsed.ok;
    if (parsed.ok) this.#config = parsed.config;
    else this.#onRefused(parsed.problems);
  }
}
