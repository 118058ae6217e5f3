// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { timesOf } from '../test-results.ts';

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
