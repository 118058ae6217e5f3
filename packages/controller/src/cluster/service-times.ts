// SPDX-License-Identifier: Apache-2.0
/**
 * How long Services wait: from when this replica sees one that asks for an address until it shows one, and until a node
 * announces it.
 */
import { CONDITION_ANNOUNCED, isOurs, type LoadBalancerClassRule } from '@berth/core';
import { keyOf, type Service, type StoreEvent } from '@berth/kube';
import { type Clock, Signal } from '@berth/runtime';

/** Most Services that are waited for at a time. */
const MOST_WAITING = 10_000;

export interface ServiceTimesOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly classRule: LoadBalancerClassRule;
}

/**
 * Follows the Services of ours that came, or became ours, while it looked: of the others no one knows since when they
 * wait.
 */
export class ServiceTimes {
  /** How long a Service waited for its address. */
  readonly addresses = new Signal<[milliseconds: number]>();
  /** How long a Service waited until a node announced it. */
  readonly announcements = new Signal<[milliseconds: number]>();
  readonly #options: ServiceTimesOptions;
  readonly #waiting = new Map<string, { readonly sinceMs: number; hasAddress: boolean }>();

  constructor(options: ServiceTimesOptions) {
    this.#options = options;
  }

  follow(event: StoreEvent<Service>): void {
    const { object } = event;
    const key = keyOf(object);
    if (event.type === 'deleted' || !isOurs(object, this.#options.classRule)) {
      this.#waiting.delete(key);
      return;
    }
    const isNew = event.type === 'added' || !isOurs(event.previous, this.#options.classRule);
    if (isNew && !showsAddress(object)) this.#begin(key);
    this.#look(key, object);
  }

  #begin(key: string): void {
    if (this.#waiting.size >= MOST_WAITING) return;
    this.#waiting.set(key, { sinceMs: this.#options.clock.now(), hasAddress: false });
  }

  #look(key: string, service: Service): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined || !showsAddress(service)) return;
    const waitedMs = this.#options.clock.now() - waiting.sinceMs;
    if (!waiting.hasAddress) this.addresses.emit(waitedMs);
    waiting.hasAddress = true;
    if (!isAnnounced(service)) return;
    this.announcements.emit(waitedMs);
    this.#waiting.delete(key);
  }
}

function showsAddress({ status }: Service): boolean {
  return (status?.loadBalancer?.ingress ?? []).length > 0;
}

function isAnnounced({ status }: Service): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === CONDITION_ANNOUNCED && is === 'True') === true;
}
