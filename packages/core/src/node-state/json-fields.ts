// SPDX-License-Identifier: Apache-2.0
/**
 * Typed looks into JSON that somebody else wrote. Undefined is the answer to everything that is not what was asked for;
 * nothing throws.
 */

/** The value of JSON text, or undefined. */
export function readJson(text: string, maxCharacters: number): unknown {
  if (text.length > maxCharacters) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(value) ? value : undefined;
}

/** A text of at most this many characters. */
export function textOf(value: unknown, maxCharacters: number): string | undefined {
  return typeof value === 'string' && value.length <= maxCharacters ? value : undefined;
}

/** A whole number from 0 that is held exactly. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** One of these texts. */
export function oneOf<T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((one) => one === value);
}

/** A list that was left out is empty; undefined when it is no list, or a longer one. */
export function listOf(value: unknown, maxEntries: number): readonly unknown[] | undefined {
  if (value === undefined) return [];
  return Array.isArray(value) && value.length <= maxEntries ? value : undefined;
}

/** What each entry reads as; undefined as soon as one reads as nothing. */
export function everyOf<T>(
  values: readonly unknown[] | undefined,
  read: (value: unknown) => T | undefined,
): readonly T[] | undefined {
  if (values === undefined) return undefined;
  const known: T[] = [];
  for (const value of values) {
    const one = read(value);
    if (one === undefined) return undefined;
    known.push(one);
  }
  return known;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
