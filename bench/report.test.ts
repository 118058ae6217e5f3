// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { figure, formatReport } from './report.ts';

const hundred = Array.from({ length: 100 }, (_, i) => i + 1);

describe('figure', () => {
  it('takes median, p99 and worst by nearest rank', () => {
    expect(figure({ name: 'x', unit: 'ms', samples: hundred })).to.include({ median: 50, p99: 99, worst: 100 });
  });

  it('takes the smallest as the worst of a rate', () => {
    expect(figure({ name: 'x', unit: '1/s', samples: hundred, worstIs: 'small' }).worst).to.equal(1);
  });

  it('compares the ratio of the medians with the target', () => {
    const input = { name: 'x', unit: 'us', samples: [8], yardstick: { name: 'kernel', samples: [2] } };
    expect(figure({ ...input, target: { on: 'ratio', atMost: 4 } })).to.include({ ratio: 4, met: true });
    expect(figure({ ...input, target: { on: 'ratio', atMost: 3.9 } }).met).to.equal(false);
    expect(figure({ ...input, target: { on: 'ratio', atLeast: 5 } }).met).to.equal(false);
  });

  it('misses a ratio target without a yardstick', () => {
    expect(figure({ name: 'x', unit: 'us', samples: [8], target: { on: 'ratio', atMost: 4 } }).met).to.equal(false);
  });

  it('has no ratio to a yardstick of nothing', () => {
    const none = figure({ name: 'x', unit: 'count', samples: [0], yardstick: { name: 'plain', samples: [0] } });
    expect(none.ratio).to.equal(null);
  });
});

describe('formatReport', () => {
  it('says MISSED where a target was missed', () => {
    const missed = figure({ name: 'x', unit: 'ms', samples: [9], target: { on: 'median', atMost: 5 } });
    const machine = { cpus: 2, kernel: '6', node: 'v24' };
    const text = formatReport({ bench: 'b', scenario: 's', machine, rounds: 1, figures: [missed] });
    expect(text).to.match(/x +ms +9 +9 +9 +- +- +median <= 5 +MISSED/);
  });
});
