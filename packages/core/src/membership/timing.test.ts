// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { paceOf, timingOf } from './timing.ts';

describe('timingOf', () => {
  it('detects a crash within 200 ms by default, so that 100 ms are left for the takeover', () => {
    const found = timingOf();
    expect(found.ok && found.timing.deadAfterMs).to.equal(200);
    expect(found.ok && found.timing.answerFenceMs).to.equal(150);
  });

  it('takes the documented tuned setting', () => {
    const found = timingOf({ intervalMs: 10, deadAfterMs: 70 });
    expect(found.ok && found.timing.answerFenceMs).to.equal(52.5);
  });

  it('lets the process fence be no shorter than the answer fence', () => {
    const found = timingOf({ intervalMs: 100, deadAfterMs: 3000 });
    expect(found.ok && [found.timing.answerFenceMs, found.timing.processFenceMs]).to.deep.equal([2250, 2250]);
  });

  it('refuses everything that is out of range at once', () => {
    const found = timingOf({ intervalMs: 2, deadAfterMs: 40_000, processFenceMs: 1 });
    expect(found.ok ? [] : found.problems).to.deep.equal([
      'heartbeat interval: found 2 ms, want 5 to 1000 ms',
      'dead after: found 40000 ms, want 8 to 30000 ms',
      'process fence: found 1 ms, want 30000 to 30000 ms',
    ]);
  });
});

describe('paceOf', () => {
  const rows = [
    { name: 'a small segment', options: {}, members: 64, paceMs: 25 },
    { name: 'a crowded segment', options: {}, members: 65, paceMs: 50 },
    {
      name: 'a crowded segment with little time',
      options: { intervalMs: 20, deadAfterMs: 100 },
      members: 200,
      paceMs: 25,
    },
    { name: 'a crowded segment with no time', options: { intervalMs: 25, deadAfterMs: 100 }, members: 200, paceMs: 25 },
  ];
  for (const { name, options, members, paceMs } of rows) {
    it(`beats every ${paceMs} ms in ${name}`, () => {
      const found = timingOf(options);
      expect(found.ok && paceOf(found.timing, members)).to.equal(paceMs);
    });
  }
});
