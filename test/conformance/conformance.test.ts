// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { TestResult } from '../test-results.ts';
import { judge, parseRows, rowsOfGroups } from './conformance.ts';

const table = [
  '| id | behaviour | check |',
  '|---|---|---|',
  '| PV-01 | a | P |',
  '| LC-02 | b | A |',
  '| DP-01 | c | K |',
];
const rows = parseRows(table.join('\n'));
const result = (title: string, suite: string, state: TestResult['state'] = 'passed'): TestResult => ({
  title,
  suite,
  state,
  durationMs: 1,
});
const statesOf = (...results: TestResult[]) => judge(rows, results).map(({ state }) => state);

describe('parseRows', () => {
  it('reads id, behaviour and check, and no other line', () => {
    expect(rows).to.deep.equal([
      { id: 'PV-01', behaviour: 'a', check: 'P' },
      { id: 'LC-02', behaviour: 'b', check: 'A' },
      { id: 'DP-01', behaviour: 'c', check: 'K' },
    ]);
  });

  it('reads every row of the document, each id once', () => {
    const markdown = readFileSync('docs/conformance.md', 'utf8');
    const ids = parseRows(markdown).map(({ id }) => id);
    expect(ids).to.have.length(markdown.split('\n').filter((line) => /^\| [A-Z]{2}-\d/.test(line)).length);
    expect(new Set(ids).size).to.equal(ids.length);
  });
});

describe('judge', () => {
  it('takes a test of a higher level for a row, not one of a lower', () => {
    expect(
      statesOf(result('PV-01: a', 'unit'), result('LC-02: b', 'unit'), result('DP-01: c', 'contract')),
    ).to.deep.equal(['passed', 'none', 'none']);
    expect(
      statesOf(result('PV-01: a', 'e2e'), result('LC-02: b', 'contract'), result('DP-01: c', 'e2e')),
    ).to.deep.equal(['passed', 'passed', 'passed']);
  });

  it('calls a row failed when one of its tests failed', () => {
    expect(statesOf(result('PV-01: a', 'unit'), result('PV-01: other', 'unit', 'failed'))[0]).to.equal('failed');
  });

  it('does not count a skipped test', () => {
    expect(statesOf(result('PV-01: a', 'unit', 'skipped'))[0]).to.equal('none');
  });

  it('finds several ids in one title', () => {
    expect(statesOf(result('PV-01, LC-02: both', 'contract')).slice(0, 2)).to.deep.equal(['passed', 'passed']);
  });
});

describe('rowsOfGroups', () => {
  it('narrows to the groups named', () => {
    expect(rowsOfGroups(rows, ['LC']).map(({ id }) => id)).to.deep.equal(['LC-02']);
    expect(rowsOfGroups(rows, [])).to.have.length(3);
  });

  it('refuses an unknown group and names the known ones', () => {
    expect(() => rowsOfGroups(rows, ['XX'])).to.throw("found 'XX', want one of PV, LC, DP");
  });
});
