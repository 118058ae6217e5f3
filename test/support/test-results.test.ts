// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { failuresOf, type TestResult, timesOf, withSecondRun } from '../test-results.ts';

describe('timesOf', () => {
  it('tells the time of each suite, and the slowest tests first', () => {
    const result = (title: string, durationMs: number) =>
      ({ title, state: 'passed', suite: 'unit', durationMs }) as const;
    const results = [result('quick', 4), result('slow', 12_340), result('middling', 900)];
    expect(
      timesOf(
        new Map([
          ['lint', 16_000],
          ['unit', 61_049],
        ]),
        results,
        2,
      ),
    ).to.deep.equal(['time: lint 16.0 s, unit 61.0 s', '  12.3 s  unit: slow', '   0.9 s  unit: middling']);
  });
});

describe('a second run of the files of which a test failed', () => {
  const test = (title: string, state: TestResult['state'], file = 'a.test.ts'): TestResult => ({
    ...{ title, state, file, suite: 'unit', durationMs: 1 },
    ...(state === 'failed' ? { error: `${title}: expected 1, found 2` } : {}),
  });

  it('makes a test that passes then unsteady, with the words of its failure', () => {
    const judged = withSecondRun(
      [test('one', 'failed'), test('two', 'passed')],
      [test('one', 'passed'), test('two', 'passed')],
    );
    expect(judged.map(({ state }) => state)).to.deep.equal(['unsteady', 'passed']);
    expect(failuresOf(judged, 'unsteady')).to.deep.equal(['unsteady: unit: one', '    one: expected 1, found 2']);
  });

  it('fails a test that fails in either way: twice, or only then', () => {
    const judged = withSecondRun(
      [test('one', 'failed'), test('two', 'passed')],
      [test('one', 'failed'), test('two', 'failed')],
    );
    expect(judged.map(({ state }) => state)).to.deep.equal(['failed', 'failed']);
  });

  it('leaves what it did not run: other files, and a part that died', () => {
    const died: TestResult = { title: 'wire ended with SIGSEGV', state: 'failed', suite: 'unit', durationMs: 1 };
    const judged = withSecondRun(
      [test('one', 'failed'), test('other', 'failed', 'b.test.ts'), died],
      [test('one', 'passed')],
    );
    expect(judged.map(({ state }) => state)).to.deep.equal(['unsteady', 'failed', 'failed']);
  });

  it('adds what a failed hook had kept from running', () => {
    const hook = test('"before all" hook', 'failed');
    const judged = withSecondRun([hook], [test('one', 'passed'), test('two', 'failed')]);
    expect(judged.map(({ title, state }) => `${title} ${state}`)).to.deep.equal([
      '"before all" hook unsteady',
      'one passed',
      'two failed',
    ]);
  });
});
