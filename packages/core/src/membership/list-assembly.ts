// SPDX-License-Identifier: Apache-2.0
/**
 * Full lists travel in parts, one a frame. They are known once all parts of one version have been heard, in any order.
 */
import type { ListPart } from '../wire/heartbeat-section.ts';

/**
 * Most entries of one part, so that header, the longest name, wishes and tag fit beside it: 34 IPv6 claims, 72 IPv4
 * claims or 100 boot ids.
 */
export const PART_BUDGET_BYTES = 800;

/**
 * Parts that a receiver puts together at most: 34 IPv6 claims each, so about 8,700 claims of one member, or 18,400 of
 * IPv4.
 */
export const MAX_PARTS = 256;

/** Parts of a list that is not complete yet. Undefined: nothing is under way. */
export interface Assembly<Entry> {
  readonly version: number;
  readonly total: number;
  readonly parts: ReadonlyMap<number, readonly Entry[]>;
}

/**
 * Adds a part. The entries of the whole list when it is complete now, else what there is so far; a list of more than
 * `maxParts` is left alone.
 */
export function assemble<Entry>(
  assembly: Assembly<Entry> | undefined,
  part: ListPart<Entry>,
  maxParts: number = MAX_PARTS,
): { complete?: readonly Entry[]; assembly?: Assembly<Entry> | undefined } {
  if (part.total > maxParts) return { assembly };
  const isSame = assembly !== undefined && assembly.version === part.version && assembly.total === part.total;
  const parts = new Map(isSame ? assembly.parts : []).set(part.index, part.entries);
  if (parts.size < part.total) return { assembly: { version: part.version, total: part.total, parts } };
  const ordered = [...parts].sort(([a], [b]) => a - b);
  return { complete: ordered.flatMap(([, entries]) => entries) };
}

/** Cuts a list into parts of at most {@link PART_BUDGET_BYTES}. An empty list has one empty part. */
export function split<Entry>(
  version: number,
  entries: readonly Entry[],
  sizeOf: (entry: Entry) => number,
): ListPart<Entry>[] {
  const groups: Entry[][] = [[]];
  let bytes = 0;
  for (const entry of entries) {
    const size = sizeOf(entry);
    if (bytes + size > PART_BUDGET_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    bytes += size;
    groups.at(-1)?.push(entry);
  }
  return groups.map((group, index) => ({ version, index, total: groups.length, entries: group }));
}
