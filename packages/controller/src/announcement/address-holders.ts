// SPDX-License-Identifier: Apache-2.0
/** Services by each address that they show. */
import { KeyGroups, shownAddressesOf } from '@berth/core';
import { keyOf, type Service } from '@berth/kube';

export class AddressHolders {
  readonly #keys = new KeyGroups();

  /** Keys of the Services that show an address, given as text. */
  of(vip: string): Iterable<string> {
    return this.#keys.keysOf(vip);
  }

  add(service: Service): void {
    for (const vip of shownAddressesOf(service)) this.#keys.add(String(vip), keyOf(service));
  }

  delete(service: Service): void {
    for (const vip of shownAddressesOf(service)) this.#keys.delete(String(vip), keyOf(service));
  }
}
