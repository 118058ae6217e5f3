// SPDX-License-Identifier: Apache-2.0
/**
 * Which blocks of rows in the kernel are used. A block that was given back is used again as late as can be: a packet
 * may still be looking at it.
 */

/** Rows of one block, and blocks that there are at first and at most (native/spread-maps.h). */
export const ROWS_PER_BLOCK = 4096;
export const FIRST_BLOCKS = 64;
export const MOST_BLOCKS = 512;

export class RowBlocks {
  readonly #isUsed = new Array<boolean>(MOST_BLOCKS).fill(false);
  #limit = FIRST_BLOCKS;
  #next = 0;

  /** Takes so many blocks that lie side by side; returns the first, or undefined where there is no room. */
  take(count: number): number | undefined {
    for (;;) {
      const first = this.#find(count);
      if (first !== undefined) {
        this.#isUsed.fill(true, first, first + count);
        this.#next = first + count;
        return first;
      }
      if (this.#limit === MOST_BLOCKS) return undefined;
      this.#limit *= 2;
    }
  }

  giveBack(first: number, count: number): void {
    this.#isUsed.fill(false, first, first + count);
  }

  #find(count: number): number | undefined {
    for (let offset = 0; offset < this.#limit; offset++) {
      const first = (this.#next + offset) % this.#limit;
      const isFree = first + count <= this.#limit && !this.#isUsed.slice(first, first + count).includes(true);
      if (isFree) return first;
    }
    return undefined;
  }
}
