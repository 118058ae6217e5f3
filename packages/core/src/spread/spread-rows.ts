// SPDX-License-Identifier: Apache-2.0
/**
 * Rendezvous rows: which member of a set serves the flows of each row. A member that goes moves only its own rows, and
 * one that comes takes only those that it serves from then on. The score of a member for a row is the same in every set
 * (docs/design/0040-every-node-serves.md, section 3).
 */
import type { SetMember } from './spread-set.ts';

/** Rows of a set; more where it has more than {@link MANY_MEMBERS} members, so that shares stay even. */
export const ROWS = { few: 4_096, many: 16_384 } as const;
export const MANY_MEMBERS = 16;

const FNV = { offset: 0x811c9dc5, prime: 0x01000193 } as const;
const GOLDEN = 0x9e37_79b1;

/** What identifies a node in sets and on the wire: 32 bits of its name, the same in every cluster. */
export function nodeIdOf(name: string): number {
  let hash: number = FNV.offset;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), FNV.prime);
  return scramble(hash);
}

/** Number of rows of a set with these members. */
export function rowCountOf(members: readonly SetMember[]): number {
  return members.length > MANY_MEMBERS ? ROWS.many : ROWS.few;
}

/** For each row who serves it, and whom a frame goes to that finds no flow there; ids, 0 for no one. */
export interface OwnedRows {
  readonly targets: Uint32Array;
  /** The highest of serving and silent members, where that is a silent one. */
  readonly fallbacks: Uint32Array;
}

/** The rows of these members. */
export function ownedRows(members: readonly SetMember[], rowCount: number): OwnedRows {
  const targets = new Uint32Array(rowCount);
  const fallbacks = new Uint32Array(rowCount);
  const serving = members.filter(({ state }) => state === 'serving');
  const silent = members.filter(({ state }) => state === 'silent');
  for (let row = 0; row < rowCount; row++) {
    const seed = scramble(row + 1);
    const target = best(serving, seed);
    targets[row] = target.id;
    const rival = silent.length > 0 ? best(silent, seed) : target;
    if (rival.score > target.score) fallbacks[row] = rival.id;
  }
  return { targets, fallbacks };
}

interface Best {
  readonly id: number;
  readonly score: number;
}

function best(members: readonly SetMember[], seed: number): Best {
  let found: Best = { id: 0, score: -1 };
  // In the order of ids, so that equal scores have one winner.
  for (const { id, weight } of members) {
    const score = scoreOf(id, weight, seed);
    if (score > found.score) found = { id, score };
  }
  return found;
}

function scoreOf(id: number, weight: number, seed: number): number {
  const base = scramble(seed ^ id);
  let highest = base;
  for (let draw = 1; draw < weight; draw++) highest = Math.max(highest, scramble(base + Math.imul(draw, GOLDEN)));
  return highest;
}

// The finisher of MurmurHash3: each bit of the input reaches each bit of the output.
function scramble(input: number): number {
  let hash = input;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
