// SPDX-License-Identifier: Apache-2.0
/** Services by each address that they show. */
import { shownAddressesOf } from '@berth/core';
import { keyOf, type Service } from '@berth/kube';

export class AddressHolders {
  readonly #keys = new Map<string, Set<string>>();

  /** Keys of the Services that show an address, given as text. */
  of(vip: string): Iterable<string> {
    return this.#keys.get(vip) ?? [];
  }

  add(service: Service): void {
    this.#change(service, 'add');
  }

  delete(service: Service): void {
    this.#change(service, 'delete');
  }

  #change(service: Service, change: 'add' | 'delete'): void {
    for (const vip of shownAddressesOf(service)) {
      const keys = this.#keys.get(String(vip)) ?? new Set();
      keys[change](keyOf(service));
      if (keys.size > 0) this.#keys.set(String(vip), keys);
      else this.#keys.delete(String(vip));
    }
  }
}
