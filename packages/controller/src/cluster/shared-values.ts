// SPDX-License-Identifier: Apache-2.0
/**
 * Values that many objects have, kept once: thousands of Services have the same finalizers, ports and times, and JSON
 * gives each of them its own copy.
 */

/** Values that are remembered; when there are more, sharing begins anew. */
const MAX_VALUES = 500;
/** Longer ones are seldom the same, in characters of JSON. */
const MAX_CHARACTERS = 400;

export class SharedValues {
  readonly #texts = new Map<string, string>();
  readonly #objects = new Map<string, object>();

  /** The text, as it was seen first; whatever else an object may have in its place stays as it is. */
  text(text: string): string {
    return typeof text !== 'string' || text.length > MAX_CHARACTERS ? text : shared(this.#texts, text, text);
  }

  /** An object of plain JSON, as it was seen first. No one may change it. */
  object<T extends object>(object: T): T {
    const json = JSON.stringify(object);
    return json.length > MAX_CHARACTERS ? object : shared(this.#objects as Map<string, T>, json, object);
  }
}

function shared<T>(values: Map<string, T>, key: string, value: T): T {
  const known = values.get(key);
  if (known !== undefined) return known;
  if (values.size >= MAX_VALUES) values.clear();
  values.set(key, value);
  return value;
}
