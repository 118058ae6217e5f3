// SPDX-License-Identifier: Apache-2.0
/** Bounds and words that all parts of the YAML reader share. */

/** Deepest nesting; the documents of Berth need nine. */
export const MAX_DEPTH = 64;

export type Path = readonly (string | number)[];

/** The text, cut where it would flood a message. */
export function shorten(text: string, characters = 60): string {
  return text.length <= characters ? text : `${text.slice(0, characters)}...`;
}
