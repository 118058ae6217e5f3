// SPDX-License-Identifier: Apache-2.0
/**
 * Random schedules of moves, orderly ends and starts of speakers, and nodes that take fewer or more connections.
 * BERTH_SPREAD_SCHEDULES plays so many (default 12), from BERTH_SPREAD_SEED on (default 1).
 */
import { expect } from 'chai';
import { playSchedule } from '../../packages/core/src/spread/testing/random-schedule.ts';

const COUNT = Number(process.env.BERTH_SPREAD_SCHEDULES ?? 12);
const FIRST = Number(process.env.BERTH_SPREAD_SEED ?? 1);

describe('random schedules of who serves', () => {
  it(`MV-04: ${COUNT} schedules without a dead node break no connection`, function () {
    this.timeout(COUNT * 10_000);
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const { log, connections } = playSchedule({ seed, crashes: 'none' });
      const broken = connections.filter(({ state }) => state === 'broken');
      expect(connections.length, `seed ${seed}: connections`).to.be.above(200);
      expect(broken, `seed ${seed}:\n${log.join('\n')}`).to.have.length(0);
    }
  });

  it(`EN-45: ${COUNT} schedules in which speakers are killed, one at a time, break no connection`, function () {
    this.timeout(COUNT * 10_000);
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const { log, connections } = playSchedule({ seed, crashes: 'none', kills: 'some' });
      const broken = connections.filter(({ state }) => state === 'broken');
      expect(broken, `seed ${seed}:\n${log.join('\n')}`).to.have.length(0);
    }
  });
});
