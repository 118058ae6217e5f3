// SPDX-License-Identifier: Apache-2.0
/**
 * A set of unsigned numbers as sorted, disjoint, never adjacent intervals. A /8 costs what a /32 costs: nothing is
 * enumerated. Since adjacent intervals are merged, the first number that is missing after a given one is found by one
 * binary search.
 */

/** First and last number of an interval, both included. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** Mutable; one per family. Look-ups are O(log n) in the number of intervals. */
export class IntervalSet {
  readonly #firsts: bigint[] = [];
  readonly #lasts: bigint[] = [];

  static of(intervals: Iterable<Interval>): IntervalSet {
    const set = new IntervalSet();
    for (const { first, last } of intervals) set.add(first, last);
    return set;
  }

  /** Number of intervals, not of elements. */
  get intervalCount(): number {
    return this.#firsts.length;
  }

  /** Number of elements. */
  get size(): bigint {
    let size = 0n;
    for (const { first, last } of this) size += last - first + 1n;
    return size;
  }

  *[Symbol.iterator](): IterableIterator<Interval> {
    for (const [index, first] of this.#firsts.entries()) yield { first, last: this.#lastAt(index) };
  }

  clone(): IntervalSet {
    const copy = new IntervalSet();
    for (let index = 0; index < this.#firsts.length; index++) {
      copy.#firsts.push(this.#firstAt(index));
      copy.#lasts.push(this.#lastAt(index));
    }
    return copy;
  }

  has(value: bigint): boolean {
    const index = this.#indexEndingAtOrAfter(value);
    return index < this.#firsts.length && this.#firstAt(index) <= value;
  }

  /** Whether any number from first to last is in the set. */
  intersects(first: bigint, last: bigint): boolean {
    const index = this.#indexEndingAtOrAfter(first);
    return index < this.#firsts.length && this.#firstAt(index) <= last;
  }

  /** Adds the numbers from first to last, both included; what is there already stays. */
  add(first: bigint, last: bigint = first): void {
    if (last < first) throw new RangeError(`core: interval ends before it starts: ${first}-${last}`);
    // Neighbours that touch are merged, therefore one below first and one above last count too.
    const from = this.#indexEndingAtOrAfter(first - 1n);
    let to = from;
    let [mergedFirst, mergedLast] = [first, last];
    while (to < this.#firsts.length && this.#firstAt(to) <= last + 1n) {
      if (this.#firstAt(to) < mergedFirst) mergedFirst = this.#firstAt(to);
      if (this.#lastAt(to) > mergedLast) mergedLast = this.#lastAt(to);
      to++;
    }
    this.#replace(from, to, [{ first: mergedFirst, last: mergedLast }]);
  }

  /** Takes out the numbers from first to last, both included; what is not there is ignored. */
  remove(first: bigint, last: bigint = first): void {
    if (last < first) throw new RangeError(`core: interval ends before it starts: ${first}-${last}`);
    const from = this.#indexEndingAtOrAfter(first);
    let to = from;
    const rest: Interval[] = [];
    while (to < this.#firsts.length && this.#firstAt(to) <= last) {
      if (this.#firstAt(to) < first) rest.push({ first: this.#firstAt(to), last: first - 1n });
      if (this.#lastAt(to) > last) rest.push({ first: last + 1n, last: this.#lastAt(to) });
      to++;
    }
    this.#replace(from, to, rest);
  }

  /** The lowest number from `first` to `last` that is not in the set, or undefined when all are. */
  firstGap(first: bigint, last: bigint): bigint | undefined {
    const index = this.#indexEndingAtOrAfter(first);
    const isInside = index < this.#firsts.length && this.#firstAt(index) <= first;
    const gap = isInside ? this.#lastAt(index) + 1n : first;
    return gap <= last ? gap : undefined;
  }

  /** What is missing between first and last, in ascending order. */
  gapsWithin(first: bigint, last: bigint): Interval[] {
    const gaps: Interval[] = [];
    let from = first;
    for (let index = this.#indexEndingAtOrAfter(first); index < this.#firsts.length; index++) {
      if (this.#firstAt(index) > last) break;
      if (this.#firstAt(index) > from) gaps.push({ first: from, last: this.#firstAt(index) - 1n });
      from = this.#lastAt(index) + 1n;
    }
    if (from <= last) gaps.push({ first: from, last });
    return gaps;
  }

  /** How many numbers from first to last are in the set. */
  countWithin(first: bigint, last: bigint): bigint {
    let count = 0n;
    for (let index = this.#indexEndingAtOrAfter(first); index < this.#firsts.length; index++) {
      if (this.#firstAt(index) > last) break;
      const low = this.#firstAt(index) < first ? first : this.#firstAt(index);
      const high = this.#lastAt(index) > last ? last : this.#lastAt(index);
      count += high - low + 1n;
    }
    return count;
  }

  /**
   * Index of the first interval whose last number is at or above the value; the number of intervals when there is none.
   */
  #indexEndingAtOrAfter(value: bigint): number {
    let low = 0;
    let high = this.#lasts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lastAt(middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #replace(from: number, to: number, intervals: readonly Interval[]): void {
    const [only] = intervals;
    // The usual case by far, a neighbour that grows or shrinks, moves nothing.
    if (to === from + 1 && intervals.length === 1 && only !== undefined) {
      this.#firsts[from] = only.first;
      this.#lasts[from] = only.last;
      return;
    }
    this.#firsts.splice(from, to - from, ...intervals.map(({ first }) => first));
    this.#lasts.splice(from, to - from, ...intervals.map(({ last }) => last));
  }

  #firstAt(index: number): bigint {
    return this.#firsts[index] ?? outOfBounds(index);
  }

  #lastAt(index: number): bigint {
    return this.#lasts[index] ?? outOfBounds(index);
  }
}

function outOfBounds(index: number): never {
  throw new RangeError(`core: no interval ${index}`);
}
