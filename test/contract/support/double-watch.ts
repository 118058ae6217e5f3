// SPDX-License-Identifier: Apache-2.0

// Looks over everybody's shoulder: follows the statuses of all Services of some namespaces and writes down every moment
// at which two of them show one address, and every address that a Service lost while it lived.

import { type KubeClient, keyOf, Reflector, type Service, Store, services } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { ipsOf } from './rig.ts';

export class DoubleWatch {
  /** "ADDRESS: A and B", for each moment. */
  readonly doubles: string[] = [];
  /** "SERVICE: ADDRESS to ADDRESS", for each change of an address that was shown. */
  readonly changes: string[] = [];
  readonly #store = new Store<Service>();
  readonly #reflector: Reflector<Service>;

  constructor(client: KubeClient, namespaces: readonly string[]) {
    this.#reflector = new Reflector({ clock: systemClock, api: client, kind: services, store: this.#store });
    this.#store.subscribe((event) => {
      if (!namespaces.includes(event.object.metadata.namespace ?? '')) return;
      if (event.type === 'updated') this.#compare(event.previous, event.object);
      this.#look();
    });
  }

  async start(): Promise<this> {
    this.#reflector.start();
    await this.#reflector.ready;
    return this;
  }

  stop(): Promise<void> {
    return this.#reflector.stop();
  }

  #compare(previous: Service, next: Service): void {
    const [before, after] = [ipsOf(previous).join(), ipsOf(next).join()];
    const isLeaving = next.metadata.deletionTimestamp !== undefined || next.spec?.type !== 'LoadBalancer';
    if (before !== '' && before !== after && !isLeaving) this.changes.push(`${keyOf(next)}: ${before} to ${after}`);
  }

  #look(): void {
    const holders = new Map<string, string>();
    for (const service of this.#store.values()) {
      for (const ip of ipsOf(service)) {
        const other = holders.get(ip);
        if (other) this.doubles.push(`${ip}: ${other} and ${keyOf(service)}`);
        holders.set(ip, keyOf(service));
      }
    }
  }
}
