// SPDX-License-Identifier: Apache-2.0
/** Turns YAML nodes into plain values, within bounds. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { MAX_VALUES } from './reading-budget.ts';
import { startOf } from './yaml-offset.ts';
import { MAX_DEPTH, shorten } from './yaml-text-parts.ts';

export type Report = (offset: number, found: string, wanted: string) => void;

/** What a node stands for, and how many values that is. */
interface Converted {
  readonly value: unknown;
  readonly count: number;
}

const NOTHING: Converted = { value: null, count: 1 };

/** Turns the nodes of one document into plain values. */
export class ValueReader {
  readonly #anchors = new Map<string, Converted>();
  readonly #take: (count: number) => boolean;
  readonly #report: Report;
  #isExhausted = false;

  constructor(take: (count: number) => boolean, report: Report) {
    this.#take = take;
    this.#report = report;
  }

  read(document: Document.Parsed): unknown {
    return this.#convert(document.contents, 0).value;
  }

  #convert(node: Node | null | undefined, depth: number): Converted {
    if (node === null || node === undefined || this.#isExhausted) return NOTHING;
    if (depth > MAX_DEPTH) return this.#giveUp(node, 'deeper nesting', `at most ${MAX_DEPTH} levels`);
    if (isAlias(node)) return this.#resolve(node, node.source);
    if (!this.#take(1)) return this.#giveUp(node, 'more values', `at most ${MAX_VALUES} values`);
    const converted = this.#convertContent(node, depth);
    const anchor = 'anchor' in node ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, converted);
    return converted;
  }

  // An alias can only mean what came before it, which also excludes a value that contains itself.
  #resolve(node: Node, source: string): Converted {
    const converted = this.#anchors.get(source);
    if (converted === undefined) return this.#giveUp(node, `*${shorten(source)}`, 'an anchor that was set before');
    if (!this.#take(converted.count))
      return this.#giveUp(node, 'more values by aliases', `at most ${MAX_VALUES} values`);
    return converted;
  }

  #convertContent(node: Node, depth: number): Converted {
    if (isScalar(node)) return { value: node.value, count: 1 };
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#convert(item as Node, depth + 1));
      return { value: items.map(({ value }) => value), count: items.reduce((sum, { count }) => sum + count, 1) };
    }
    return isMap(node) ? this.#convertMap(node, depth) : NOTHING;
  }

  #convertMap(map: YAMLMap, depth: number): Converted {
    const object: Record<string, unknown> = Object.create(null);
    let count = 1;
    for (const { key, value } of map.items) {
      if (!isScalar(key)) {
        this.#report(startOf(key as Node, startOf(map, 0)), 'a key that is not text', 'text as key');
        continue;
      }
      const name = String(key.value);
      if (Object.hasOwn(object, name))
        this.#report(startOf(key, 0), `key "${shorten(name)}" a second time`, 'each key once');
      const converted = this.#convert(value as Node | null, depth + 1);
      object[name] = converted.value;
      count += converted.count;
    }
    return { value: object, count };
  }

  #giveUp(node: Node, found: string, wanted: string): Converted {
    if (!this.#isExhausted) this.#report(startOf(node, 0), found, wanted);
    this.#isExhausted = true;
    return NOTHING;
  }
}
