// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { estimateLeftMs, formatDuration, formatProgress, ProgressReporter } from './progress.ts';

describe('estimateLeftMs', () => {
  const cases = [
    { name: 'is the expected time at the start', elapsedMs: 0, fraction: 0, left: 60_000 },
    { name: 'keeps to the expected time on a machine as fast', elapsedMs: 30_000, fraction: 0.5, left: 30_000 },
    { name: 'grows on a slower machine', elapsedMs: 60_000, fraction: 0.5, left: 45_000 },
    { name: 'shrinks on a faster machine', elapsedMs: 10_000, fraction: 0.5, left: 20_000 },
    { name: 'trusts what it sees near the end', elapsedMs: 1_000, fraction: 0.99, left: 16 },
    { name: 'is nothing when all is done', elapsedMs: 70_000, fraction: 1, left: 0 },
    { name: 'counts down while a step reports nothing', elapsedMs: 20_000, fraction: 0, left: 40_000 },
    { name: 'is never negative', elapsedMs: 90_000, fraction: 0, left: 0 },
  ];
  for (const { name, left, ...progress } of cases) {
    it(name, () => expect(Math.round(estimateLeftMs({ ...progress, expectedMs: 60_000 }))).to.equal(left));
  }
});

describe('formatDuration', () => {
  const cases: [number, string][] = [
    [0, 'under 5 s'],
    [4_400, 'under 5 s'],
    [42_000, '42 s'],
    [59_900, '1 min'],
    [124_000, '2 min'],
    [125_000, '2 min 10 s'],
    [540_000, '9 min'],
  ];
  for (const [durationMs, text] of cases)
    it(`${durationMs} ms is ${text}`, () => expect(formatDuration(durationMs)).to.equal(text));
});

describe('formatProgress', () => {
  it('shows bar, step and time left over all steps', () => {
    const steps = [
      { name: 'first', expectedMs: 30_000 },
      { name: 'second', expectedMs: 30_000 },
    ];
    const line = formatProgress(steps, 1, { elapsedMs: 0, fraction: 0, expectedMs: 30_000 });
    expect(line).to.equal('[############............] 50 %  2/2 second, 30 s left');
  });
});

describe('ProgressReporter', () => {
  const steps = [{ name: 'build', expectedMs: 100_000 }];

  function reporterOn(isTTY: boolean) {
    const written: string[] = [];
    const clock = { nowMs: 0 };
    const output = { isTTY, columns: 200, write: (text: string) => written.push(text) };
    return { written, clock, reporter: new ProgressReporter(steps, output, () => clock.nowMs) };
  }

  it('prints plain lines, rarely, where nothing can be redrawn', () => {
    const { written, clock, reporter } = reporterOn(false);
    reporter.begin();
    for (clock.nowMs = 1_000; clock.nowMs <= 60_000; clock.nowMs += 1_000) reporter.advance(clock.nowMs / 100_000);
    reporter.end();
    expect(written).to.have.length(3);
    expect(written.every((text) => /^\[[#.]+\] .*\n$/.test(text))).to.equal(true);
  });

  it('redraws one line on a terminal and leaves it empty', () => {
    const { written, clock, reporter } = reporterOn(true);
    reporter.begin();
    clock.nowMs = 1_000;
    reporter.advance(0.5);
    reporter.end();
    expect(written).to.have.length(3);
    expect(written.join('')).to.not.include('\n');
    expect(written.at(-1)).to.equal('\r\u001b[2K');
  });

  it('never goes back', () => {
    const { written, clock, reporter } = reporterOn(true);
    reporter.begin();
    clock.nowMs = 1_000;
    reporter.advance(0.5);
    clock.nowMs = 2_000;
    reporter.advance(0.1);
    expect(written.at(-1)).to.include('50 %');
  });
});
