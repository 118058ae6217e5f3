// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { measureOutage } from './connect-gap.ts';

const attempt = (endMs: number, ok = true) => ({ startMs: endMs - 1, endMs, ok });

describe('measureOutage', () => {
  it('finds the longest time between two successes', () => {
    const attempts = [attempt(10), attempt(15), attempt(20, false), attempt(315), attempt(320)];
    expect(measureOutage(attempts, 325)).to.deep.equal({ longestGapMs: 300, succeeded: 4, failed: 1, failingMs: 0 });
  });

  it('counts an outage that has not ended', () => {
    expect(measureOutage([attempt(10), attempt(60, false)], 2010).longestGapMs).to.equal(2000);
  });

  it('tells for how long attempts failed, whatever succeeded between', () => {
    const attempts = [attempt(10), attempt(15, false), attempt(20), attempt(115, false), attempt(120)];
    expect(measureOutage(attempts, 130)).to.include({ failed: 2, failingMs: 100 });
  });

  it('sorts attempts that overlapped', () => {
    expect(measureOutage([attempt(30), attempt(10), attempt(20)], 30).longestGapMs).to.equal(10);
  });

  it('has no gap to tell without a success', () => {
    expect(measureOutage([attempt(10, false)], 100)).to.deep.equal({
      longestGapMs: 0,
      succeeded: 0,
      failed: 1,
      failingMs: 0,
    });
  });
});
