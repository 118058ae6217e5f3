// SPDX-License-Identifier: Apache-2.0
/**
 * The pool configuration in force: the one that the controller accepted last, as it publishes it. What people write
 * into their own ConfigMap is judged by the controller alone, so that both go by the same. Without any accepted
 * configuration nothing is announced.
 */
import { type ConfigProblem, EMPTY_POOL_CONFIG, type PoolConfig, parseConfigMap } from '@berth/core';
import type { ConfigMap } from '@berth/kube';
import { Signal } from '@berth/runtime';

export class PoolSource {
  /** What was published cannot be read; the last good configuration stays. */
  readonly refusals = new Signal<[problems: readonly ConfigProblem[]]>();
  #version: string | undefined;
  #accepted: PoolConfig | undefined;
  #isStale = false;

  /** What is in force; undefined while nothing was accepted. */
  get accepted(): PoolConfig | undefined {
    return this.#accepted;
  }

  /** What is in force; without anything accepted no pools and no policies. */
  get config(): PoolConfig {
    return this.#accepted ?? EMPTY_POOL_CONFIG;
  }

  /** Whether the newest accepted configuration cannot be read here: the controller is of another version. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Takes over the newest state of the ConfigMap; undefined means that there is none, and changes nothing. */
  update(configMap: ConfigMap | undefined): void {
    const version = configMap?.metadata.resourceVersion ?? '';
    if (configMap === undefined || version === this.#version) return;
    this.#version = version;
    const parsed = parseConfigMap(configMap);
    this.#isStale = !parsed.ok;
    if (parsed.ok) this.#accepted = parsed.config;
    else this.refusals.emit(parsed.problems);
  }
}
