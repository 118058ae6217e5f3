// SPDX-License-Identifier: Apache-2.0
/**
 * How the claims of a node stand, in little text beside the rows of VIPs: what heartbeats say to nodes is said here to
 * those who do not hear them. A word for each row, or one for all: the terms back to the lowest one that it yields to,
 * times four, and two flags, in base 36.
 */
import type { Claim } from '../membership/claim.ts';
import { textOf } from './json-fields.ts';

/** What decides beside the term which of two claims is better (docs/design/0012-ask-before-you-take.md, section 5). */
export interface Standing {
  /** Lowest term that the claim still yields to. */
  readonly yieldsTo: number;
  /** Provisional, or of a node that was cut off for long or is unsteady. */
  readonly isWeak: boolean;
  /** Made by a node that had only just come. */
  readonly isFresh: boolean;
}

/** A claim with its standing, where that is known. */
export interface Standings {
  readonly term: number;
  readonly standing?: Standing | undefined;
}

const BASE = 36;
const [WEAK, FRESH, FLAGS] = [1, 2, 4];
const UNKNOWN = '-';
const DIGITS = /^[0-9a-z]{1,8}$/;

/** The standing of a claim; undefined where an older speaker made it, which has none. */
export function standingOf({ yieldsTo, isWeak = false, isFresh = false }: Omit<Claim, 'vip'>): Standing | undefined {
  return yieldsTo === undefined ? undefined : { yieldsTo, isWeak, isFresh };
}

/** Rows must be in the order in which they are written. */
export function encodeStandings(rows: readonly Standings[]): string {
  const words = rows.map(({ term, standing }) => {
    if (standing === undefined) return UNKNOWN;
    const flags = (standing.isWeak ? WEAK : 0) + (standing.isFresh ? FRESH : 0);
    return (Math.max(0, term - standing.yieldsTo) * FLAGS + flags).toString(BASE);
  });
  const [first = UNKNOWN] = words;
  return words.every((word) => word === first) ? first : words.join(' ');
}

/**
 * One for each term. Text of another shape, which no encoder makes, and none, which older speakers tell, is undefined
 * for all.
 */
export function decodeStandings(text: unknown, terms: readonly number[]): readonly (Standing | undefined)[] {
  const words = textOf(text, 9 * (terms.length + 1))?.split(' ', terms.length + 1) ?? [];
  return terms.map((term, index) => {
    const digits = (words.length === 1 ? words[0] : words.length === terms.length ? words[index] : undefined) ?? '';
    if (!DIGITS.test(digits)) return undefined;
    const number = Number.parseInt(digits, BASE);
    const back = Math.floor(number / FLAGS);
    const flags = number % FLAGS;
    if (back > term) return undefined;
    return { yieldsTo: term - back, isWeak: flags % FRESH === WEAK, isFresh: flags >= FRESH };
  });
}
