// SPDX-License-Identifier: Apache-2.0
/**
 * Small numbers for interfaces, as heartbeats bear them (the port, 16 bits). An index of the kernel grows with every
 * interface that was ever made, those of pods too, and passes 65,535 on a busy node. A number stays with its interface
 * for as long as the process runs.
 */

/** Interfaces that are remembered after they are gone. */
const MAX_REMEMBERED = 1024;

export class InterfaceNumbers {
  readonly #numbers = new Map<number, number>();

  /**
   * From 1; the lowest that is free for an interface that was not seen before. `present`: the indexes of interfaces
   * that are in use.
   */
  of(ifindex: number, present: ReadonlySet<number>): number {
    const known = this.#numbers.get(ifindex);
    if (known !== undefined) return known;
    if (this.#numbers.size >= MAX_REMEMBERED)
      for (const one of [...this.#numbers.keys()]) if (!present.has(one)) this.#numbers.delete(one);
    const taken = new Set(this.#numbers.values());
    let number = 1;
    while (taken.has(number)) number++;
    this.#numbers.set(ifindex, number);
    return number;
  }
}
