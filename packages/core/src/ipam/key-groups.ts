// SPDX-License-Identifier: Apache-2.0
/** Keys in groups. */

export class KeyGroups {
  /** Nearly all groups have one key; a Set for it alone would take three times the room of all the rest. */
  readonly #groups = new Map<string, string | Set<string>>();

  /** The groups that have a key. */
  groups(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** The keys of a group, in the order in which they came. */
  keysOf(group: string): Iterable<string> {
    const keys = this.#groups.get(group) ?? [];
    return typeof keys === 'string' ? [keys] : keys;
  }

  /** How many keys a group has. */
  countOf(group: string): number {
    const keys = this.#groups.get(group);
    if (keys === undefined) return 0;
    return typeof keys === 'string' ? 1 : keys.size;
  }

  add(group: string, key: string): void {
    const keys = this.#groups.get(group);
    if (keys === undefined) this.#groups.set(group, key);
    else if (typeof keys !== 'string') keys.add(key);
    else if (keys !== key) this.#groups.set(group, new Set([keys, key]));
  }

  delete(group: string, key: string): void {
    const keys = this.#groups.get(group);
    if (keys === key) this.#groups.delete(group);
    if (keys === undefined || typeof keys === 'string') return;
    keys.delete(key);
    const [last] = keys;
    if (keys.size === 1 && last !== undefined) this.#groups.set(group, last);
  }
}
