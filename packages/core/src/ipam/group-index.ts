// SPDX-License-Identifier: Apache-2.0
/** Keys of records, grouped by something that the records say. */
import type { AddressRecord } from './address-record.ts';

const NO_KEYS: ReadonlySet<string> = new Set();

/** Keys of records by something that records say. */
export class GroupIndex {
  readonly #groups = new Map<string, Set<string>>();
  readonly #groupsOf: (record: AddressRecord) => readonly string[];

  constructor(groupsOf: (record: AddressRecord) => readonly string[]) {
    this.#groupsOf = groupsOf;
  }

  groups(): IterableIterator<string> {
    return this.#groups.keys();
  }

  keysOf(group: string): ReadonlySet<string> {
    return this.#groups.get(group) ?? NO_KEYS;
  }

  add(key: string, record: AddressRecord): void {
    for (const group of this.#groupsOf(record)) {
      const keys = this.#groups.get(group);
      if (keys === undefined) this.#groups.set(group, new Set([key]));
      else keys.add(key);
    }
  }

  remove(key: string, record: AddressRecord): void {
    for (const group of this.#groupsOf(record)) {
      const keys = this.#groups.get(group);
      keys?.delete(key);
      if (keys?.size === 0) this.#groups.delete(group);
    }
  }
}
