// SPDX-License-Identifier: Apache-2.0
/**
 * Whom a node took a VIP over from, why that one no longer answers, and how long no one did: in little text beside the
 * rows of VIPs.
 */
import type { Succession, SuccessionCause } from '../membership/event.ts';
import { oneOf, textOf } from './json-fields.ts';

/** All causes, for those who read them. */
export const MOVE_CAUSES = [
  ...(['silent', 'left', 'gave-up', 'lapsed', 'cut-off', 'leaving', 'unfit'] as const),
  ...(['not-eligible', 'order', 'rebalance', 'handed-over'] as const),
] as const satisfies readonly SuccessionCause[];

/** `unknown`: a cause that a newer speaker has. */
export type MoveCause = SuccessionCause | 'unknown';

/** Whom a VIP was taken over from, as a report tells it. */
export interface Moved extends Omit<Succession, 'cause'> {
  readonly cause: MoveCause;
}

const BASE = 36;
const UNKNOWN = '-';
const DIGITS = /^[0-9a-z]{1,6}$/;
const NODE_NAME = /^[a-z0-9][a-z0-9.-]{0,252}$/;

/** What moves have in common: one group of rows has the same. */
export function moveHead({ from, cause }: Moved): string {
  return `${from} ${cause}`;
}

/** How long no one answered, in the order of the rows; one word where it is the same for all. */
export function encodeUnanswered(values: readonly (number | undefined)[]): string {
  const words = values.map((value) => (value === undefined ? UNKNOWN : Math.round(value).toString(BASE)));
  const [first = UNKNOWN] = words;
  return words.every((word) => word === first) ? first : words.join(' ');
}

/**
 * One for each of `rows` rows; undefined for text that no encoder makes. What an older speaker does not tell is an
 * empty list.
 */
export function decodeMoves(head: unknown, unanswered: unknown, rows: number): readonly (Moved | undefined)[] {
  const [from = '', word = ''] = textOf(head, 320)?.split(' ', 2) ?? [];
  if (!NODE_NAME.test(from)) return [];
  const cause = oneOf(word, MOVE_CAUSES) ?? 'unknown';
  const words = textOf(unanswered, 8 * (rows + 1))?.split(' ', rows + 1) ?? [];
  return Array.from({ length: rows }, (_, index) => {
    const digits = (words.length === 1 ? words[0] : words.length === rows ? words[index] : undefined) ?? '';
    return { from, cause, unansweredMs: DIGITS.test(digits) ? Number.parseInt(digits, BASE) : undefined };
  });
}
