// SPDX-License-Identifier: Apache-2.0
/**
 * The result of reading text that a user or a stranger wrote: a value, or the reason why there is none. Nothing throws.
 */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Wraps a value that was read. */
export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** Wraps the reason why text could not be read. */
export function unparsed(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
