// SPDX-License-Identifier: Apache-2.0

// Which behaviours of docs/conformance.md have a passing test. Pure.

import type { TestResult } from '../test-results.ts';

/** What a row's test needs: P a pure function, A a real API server and namespaces, K real kubelets and pods. */
export type Check = 'P' | 'A' | 'K';

export interface Row {
  /** For example `PV-04`. */
  id: string;
  behaviour: string;
  check: Check;
}

/** The suites whose tests can show a row, by what the row asks for. A higher level shows a lower row too. */
const SUITES_OF: Record<Check, readonly string[]> = {
  P: ['unit', 'wire', 'contract', 'browser', 'lab', 'e2e'],
  A: ['wire', 'contract', 'browser', 'lab', 'e2e'],
  K: ['lab', 'e2e'],
};

/** What a test that shows a behaviour has done; an unsteady one passed with nothing beside it. */
const SHOWN: ReadonlySet<TestResult['state']> = new Set(['passed', 'unsteady']);

const ID = /\b[A-Z]{2}-\d{2}\b/g;

/** Returns the rows of all tables of the document, in its order. */
export function parseRows(markdown: string): Row[] {
  return markdown.split('\n').flatMap((line) => {
    const match = /^\| ([A-Z]{2}-\d{2}) \| (.+) \| ([PAK]) \|$/.exec(line);
    if (match === null) return [];
    const [, id = '', behaviour = '', check = 'P'] = match;
    return [{ id, behaviour, check: check as Check }];
  });
}

export interface Verdict {
  row: Row;
  state: 'passed' | 'failed' | 'none';
}

/**
 * Returns a verdict for each row: `failed` when any test that carries its id failed, `passed` when at least one passed
 * at the level that the row asks for, else `none`.
 */
export function judge(rows: readonly Row[], results: readonly TestResult[]): Verdict[] {
  return rows.map((row) => {
    const own = results.filter((result) => idsIn(result.title).includes(row.id));
    if (own.some((result) => result.state === 'failed')) return { row, state: 'failed' };
    const shown = own.some((result) => SHOWN.has(result.state) && SUITES_OF[row.check].includes(result.suite));
    return { row, state: shown ? 'passed' : 'none' };
  });
}

/** Returns the ids that a test's title carries. */
export function idsIn(title: string): string[] {
  return title.match(ID) ?? [];
}

/** Returns the rows whose group (the letters of the id) is among `groups`; all of them for no groups. */
export function rowsOfGroups(rows: readonly Row[], groups: readonly string[]): Row[] {
  const unknown = groups.find((group) => !rows.some(({ id }) => id.startsWith(`${group}-`)));
  if (unknown !== undefined)
    throw new Error(`conformance: group: found '${unknown}', want one of ${groupsOf(rows).join(', ')}`);
  return rows.filter(({ id }) => groups.length === 0 || groups.includes(id.slice(0, 2)));
}

function groupsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ id }) => id.slice(0, 2)))];
}
