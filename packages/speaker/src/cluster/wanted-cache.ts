// SPDX-License-Identifier: Apache-2.0
/**
 * What each Service wants, worked out once for each of its states: with thousands of Services nearly all are as they
 * were when one of them changes. Addresses stay the same objects too, and with them whatever else is remembered of
 * them.
 */
import type { LoadBalancerClassRule, PoolConfig } from '@berth/core';
import type { Service } from '@berth/kube';
import { kubeServiceOf } from './trim.ts';
import { type WantedVip, wantedVips } from './wanted-vips.ts';

export class WantedCache {
  readonly #rule: LoadBalancerClassRule;
  /** By the object in the store, which is another one after each change. */
  #known = new WeakMap<Service, readonly WantedVip[]>();
  #config: PoolConfig | undefined;

  constructor(rule: LoadBalancerClassRule) {
    this.#rule = rule;
  }

  /** The same as {@link wantedVips} of these Services, by the time at which each was seen first. */
  of(services: Iterable<Service>, config: PoolConfig | undefined): WantedVip[] {
    if (config !== this.#config) this.#known = new WeakMap();
    this.#config = config;
    const wanted: WantedVip[] = [];
    for (const service of services) {
      const scope = { config, rule: this.#rule, nowMs: Date.now() };
      const vips = this.#known.get(service) ?? wantedVips([kubeServiceOf(service)], scope);
      this.#known.set(service, vips);
      wanted.push(...vips);
    }
    return wanted;
  }
}
