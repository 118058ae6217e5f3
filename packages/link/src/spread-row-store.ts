// SPDX-License-Identifier: Apache-2.0
/** Where rows lie in the kernel: each object once, in blocks that no Service looks at before it is told to. */
import type { NativeLink } from './native.ts';
import type { SpreadHandle } from './native-spread.ts';
import { ROWS_PER_BLOCK, RowBlocks } from './spread-blocks.ts';
import type { SpreadRows } from './spread-contents.ts';
import { noRoom } from './spread-mirror.ts';

/** Where the rows of an object are in the kernel. */
export interface RowBlock {
  readonly first: number;
  readonly count: number;
  readonly hasNexts: boolean;
}

export type PlacedRows = ReadonlyMap<SpreadRows, RowBlock>;

export class SpreadRowStore {
  readonly #native: NativeLink;
  readonly #handle: SpreadHandle;
  readonly #free = new RowBlocks();
  #placed: PlacedRows = new Map();

  constructor(native: NativeLink, handle: SpreadHandle) {
    this.#native = native;
    this.#handle = handle;
  }

  /** Writes what is new beside what was there. Throws `ENOSPC` where there is no room; then nothing has changed. */
  place(wanted: Iterable<SpreadRows>): PlacedRows {
    const blocks = new Map<SpreadRows, RowBlock>();
    const fresh: RowBlock[] = [];
    try {
      for (const rows of new Set(wanted)) {
        const known = this.#placed.get(rows);
        const block = known ?? this.#write(rows);
        if (!known) fresh.push(block);
        blocks.set(rows, block);
      }
      return blocks;
    } catch (error) {
      for (const { first, count } of fresh) this.#free.giveBack(first, count);
      throw error;
    }
  }

  /** No Service looks at others any more: their blocks are free. */
  keepOnly(blocks: PlacedRows): void {
    for (const [rows, block] of this.#placed) if (!blocks.has(rows)) this.#free.giveBack(block.first, block.count);
    this.#placed = blocks;
  }

  #write({ targets, fallbacks, nexts, nextFallbacks }: SpreadRows): RowBlock {
    const count = targets.length / ROWS_PER_BLOCK;
    const first = this.#free.take(count);
    if (first === undefined) throw noRoom('rows');
    const words = new Uint32Array(targets.length);
    for (let row = 0; row < words.length; row++)
      words[row] = wordOf(targets[row], fallbacks[row], nexts[row], nextFallbacks[row]);
    try {
      this.#native.spreadRows(this.#handle, first * ROWS_PER_BLOCK, words);
    } catch (error) {
      this.#free.giveBack(first, count);
      throw error;
    }
    return { first, count, hasNexts: nexts.some((next) => next !== 0) };
  }
}

/** Number of the first row of a block. */
export function firstRowOf({ first }: RowBlock): number {
  return first * ROWS_PER_BLOCK;
}

/** A row as native/spread-maps.h has it. */
function wordOf(...numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((word, number = 0, index) => word | (number << (8 * index)), 0);
}
