// SPDX-License-Identifier: Apache-2.0
/** Keys of records, grouped by something that the records say. */
import type { AddressRecord } from './address-record.ts';
import { KeyGroups } from './key-groups.ts';

/** Keys of records by something that records say. */
export class GroupIndex extends KeyGroups {
  readonly #groupsOf: (record: AddressRecord) => readonly string[];

  constructor(groupsOf: (record: AddressRecord) => readonly string[]) {
    super();
    this.#groupsOf = groupsOf;
  }

  addRecord(key: string, record: AddressRecord): void {
    for (const group of this.#groupsOf(record)) this.add(group, key);
  }

  removeRecord(key: string, record: AddressRecord): void {
    for (const group of this.#groupsOf(record)) this.delete(group, key);
  }
}
