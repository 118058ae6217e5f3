// SPDX-License-Identifier: Apache-2.0
/**
 * Colours of nodes: the same node has the same one everywhere. Neighbours in the order of names are far apart on the
 * wheel.
 */

/** Degrees between two nodes: the golden angle, which never comes near where it was. */
const STEP_DEGREES = 137.508;
const FIRST_DEGREES = 215;

/** A colour by the node's place in the list of names; it reads well on light and on dark. */
export function nodeColour(node: string, names: readonly string[]): string {
  const index = names.indexOf(node);
  if (index < 0) return 'var(--lane-unknown)';
  return `oklch(var(--lane-light) 0.105 ${((FIRST_DEGREES + index * STEP_DEGREES) % 360).toFixed(1)})`;
}
