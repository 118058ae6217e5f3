// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type Clock, systemClock } from './clock.ts';

const DAY_MS = 86_400_000;

/** Runs `use` with a setTimeout that writes down its delays and lets each of them pass at once. */
async function delaysOf(use: (clock: Clock) => void): Promise<readonly number[]> {
  const original = globalThis.setTimeout;
  const delays: number[] = [];
  globalThis.setTimeout = ((callback: () => void, delayMs: number) => {
    delays.push(delayMs);
    return setImmediate(callback);
  }) as unknown as typeof setTimeout;
  try {
    use(systemClock);
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    globalThis.setTimeout = original;
  }
  return delays;
}

describe('systemClock', () => {
  for (const days of [0, 1, 24, 25, 50, 1000]) {
    it(`ER-06: a timer of ${days} days takes that long, in steps that setTimeout can take`, async () => {
      let runs = 0;
      const delays = await delaysOf((clock) => clock.after(days * DAY_MS, () => (runs += 1)));
      expect(delays.reduce((sum, each) => sum + each, 0)).to.equal(days * DAY_MS);
      expect(Math.max(...delays)).to.be.lessThan(2 ** 31);
      expect(runs).to.equal(1);
    });
  }

  it('ER-06: a timer of 10^8 days does not run now, and can be cancelled', async () => {
    let runs = 0;
    const timer = systemClock.after(1e8 * DAY_MS, () => (runs += 1));
    await delay(20);
    timer.cancel();
    expect(runs).to.equal(0);
  });

  it('a negative delay runs at the next turn', async () => {
    const ran = await new Promise((resolve) => systemClock.after(-5, () => resolve(true)));
    expect(ran).to.equal(true);
  });
});
