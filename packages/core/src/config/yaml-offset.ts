// SPDX-License-Identifier: Apache-2.0
/** Where a node of a YAML document begins, for the line that a problem names. */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Path } from './yaml-text-parts.ts';

export function startOf(node: Node | null | undefined, otherwise: number): number {
  return node?.range?.[0] ?? otherwise;
}

/** Offset of the value at the path, or of the deepest node above it. */
export function offsetOf(root: Node | null, path: Path): number {
  return startOf(nodeAt(root, path), startOf(root, 0));
}

export function keyOffsetOf(root: Node | null, path: Path, name: string): number {
  const node = nodeAt(root, path);
  if (!isMap(node)) return startOf(node, 0);
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
  return startOf(pair?.key as Node | undefined, startOf(node, 0));
}

function nodeAt(root: Node | null, path: Path): Node | null {
  let node = root;
  for (const step of path) {
    const child = childOf(node, step);
    if (child === null) return node;
    node = child;
  }
  return node;
}

// Where there is no child, or the way goes through an alias, the place of the node itself must do.
function childOf(node: Node | null, step: string | number): Node | null {
  if (isSeq(node) && typeof step === 'number') return (node.items[step] as Node | undefined) ?? null;
  if (!isMap(node)) return null;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair === undefined) return null;
  return (pair.value as Node | null) ?? (pair.key as Node);
}
