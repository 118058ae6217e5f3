// SPDX-License-Identifier: Apache-2.0
/**
 * Small numbers for nodes, as the tables in the kernel need them: 1 for this node, up to 255 for the others. They mean
 * nothing elsewhere.
 */

/** The number of this node. */
export const OWN_NUMBER = 1;
const MAX_NUMBER = 255;

/**
 * What the program in the kernel has seen it remembers by number, for longer than a node may be out of the tables. So a
 * number goes to another node only when there is no other left, and then the one that has been out of use for longest.
 */
export class NodeNumbers {
  /** By id; the one that has been out of use for longest comes first. */
  readonly #numbers = new Map<number, number>();
  readonly #self: number;
  #used = new Set<number>();

  constructor(selfId: number) {
    this.#self = selfId;
  }

  /** The number of the node with this id; 0, for no one, when there is none left. */
  of(id: number): number {
    if (id === 0) return 0;
    if (id === this.#self) return OWN_NUMBER;
    const number = this.#numbers.get(id) ?? this.#next();
    if (number === undefined) return 0;
    this.#numbers.set(id, number);
    this.#used.add(id);
    return number;
  }

  /**
   * From now on these nodes are in use, and those that are asked for until the next call; all others may lose theirs.
   */
  keep(ids: ReadonlySet<number>): void {
    for (const id of [...this.#used, ...ids]) {
      const number = this.#numbers.get(id);
      if (number === undefined) continue;
      this.#numbers.delete(id);
      this.#numbers.set(id, number);
    }
    this.#used = new Set(ids);
  }

  #next(): number | undefined {
    const fresh = OWN_NUMBER + 1 + this.#numbers.size;
    if (fresh <= MAX_NUMBER) return fresh;
    for (const [id, number] of this.#numbers) {
      if (this.#used.has(id)) continue;
      this.#numbers.delete(id);
      return number;
    }
    return undefined;
  }
}
