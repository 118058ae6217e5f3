// SPDX-License-Identifier: Apache-2.0
/**
 * How much work a configuration may cause, whatever is written in it. A ConfigMap of 1 MiB can hold half a million
 * brackets or a hundred thousand keys, and while it is read nothing else is done. So everything is counted before the
 * work for it is done, and over all keys together; what goes beyond is refused as a whole.
 */
import { compareText } from '../compare-text.ts';
import type { ConfigProblem } from './problem.ts';

/**
 * Most tokens of YAML (words, marks, blanks, line ends): enough for 12,000 address entries, or 400 pools as kubectl
 * exports them.
 */
export const MAX_TOKENS = 80_000;

/** Longest token, in characters: a text in a block is one. */
export const MAX_TOKEN_CHARACTERS = 1 << 16;

/** Most values, aliases counted with all that they stand for. */
export const MAX_VALUES = 20_000;

/** Most documents. */
export const MAX_DOCUMENTS = 1_500;

/** Most keys of the ConfigMap that are read. */
export const MAX_KEYS = 1_000;

/** Most problems that are reported, and most warnings: with more of them, no one reads on. */
export const MAX_PROBLEMS = 200;

const LIMITS = { tokens: MAX_TOKENS, values: MAX_VALUES, documents: MAX_DOCUMENTS, keys: MAX_KEYS } as const;

export type Countable = keyof typeof LIMITS;

/** Counts what one configuration takes. Mutable. */
export class ReadingBudget {
  /** Longest token, in characters. */
  readonly tokenCharacters: number;
  readonly #spent: Record<Countable, number> = { tokens: 0, values: 0, documents: 0, keys: 0 };

  /** @param tokenCharacters more for a file that has a whole configuration in one text */
  constructor(tokenCharacters: number = MAX_TOKEN_CHARACTERS) {
    this.tokenCharacters = tokenCharacters;
  }

  /** Counts; false when that is more than the limit allows. */
  take(what: Countable, count = 1): boolean {
    this.#spent[what] += count;
    return this.#spent[what] <= LIMITS[what];
  }

  /** What was taken so far, refused attempts included. */
  get spent(): Readonly<Record<Countable, number>> {
    return this.#spent;
  }
}

/** Problems up to the limit. */
export class ProblemList {
  readonly #problems: ConfigProblem[] = [];

  get isFull(): boolean {
    return this.#problems.length >= MAX_PROBLEMS;
  }

  get length(): number {
    return this.#problems.length;
  }

  /** Adds a problem, which is made only when there is room for it: places and hints cost time. */
  add(make: () => ConfigProblem): void {
    if (!this.isFull) this.#problems.push(make());
  }

  addAll(problems: readonly ConfigProblem[]): void {
    for (const problem of problems) this.add(() => problem);
  }

  /** Ordered by key, line and column. */
  inOrder(): readonly ConfigProblem[] {
    return this.#problems.toSorted((a, b) => compareText(a.key, b.key) || a.line - b.line || a.column - b.column);
  }
}
