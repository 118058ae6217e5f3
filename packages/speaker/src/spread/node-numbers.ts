// SPDX-License-Identifier: Apache-2.0
/**
 * Small numbers for nodes, as the tables in the kernel need them: 1 for this node, up to 255 for the others. They mean
 * nothing elsewhere.
 */

/** The number of this node. */
export const OWN_NUMBER = 1;
const MAX_NUMBER = 255;

export class NodeNumbers {
  readonly #numbers = new Map<number, number>();
  readonly #self: number;

  constructor(selfId: number) {
    this.#self = selfId;
  }

  /** The number of the node with this id; 0, for no one, when there is none left. */
  of(id: number): number {
    if (id === 0) return 0;
    if (id === this.#self) return OWN_NUMBER;
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const taken = new Set(this.#numbers.values());
    for (let number = OWN_NUMBER + 1; number <= MAX_NUMBER; number++) {
      if (taken.has(number)) continue;
      this.#numbers.set(id, number);
      return number;
    }
    return 0;
  }

  /** Gives back the numbers of all nodes but these. */
  keep(ids: ReadonlySet<number>): void {
    for (const id of this.#numbers.keys()) if (!ids.has(id)) this.#numbers.delete(id);
  }
}
