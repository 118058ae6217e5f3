// SPDX-License-Identifier: Apache-2.0

// Random schedules of faults. BERTH_SCHEDULES and BERTH_SEED play more of them, or others:
//   BERTH_SCHEDULES=100000 BERTH_SEED=1 npx mocha --timeout 0 test/support/simulator/random-schedules.test.ts

import { expect } from 'chai';
import fc from 'fast-check';
import { play, type Schedule, schedules } from './schedule.ts';

const count = Number(process.env.BERTH_SCHEDULES ?? 300);
const seed = Number(process.env.BERTH_SEED ?? 20_261_124);

describe('random schedules of faults', () => {
  it(`keeps the invariants and settles, ${count} times from seed ${seed}`, function () {
    if (count <= 1000) this.timeout(30_000);
    fc.assert(
      fc.property(schedules, (schedule) => {
        expect(play(schedule)).to.deep.equal([]);
      }),
      { numRuns: count, seed },
    );
  });

  // Schedules that failed once, for ever.
  const found: { name: string; schedule: Schedule }[] = [
    {
      name: 'two nodes that hang at the same time do not bury each other when they wake',
      schedule: {
        seed: 2147469308,
        nodes: 2,
        vips: 2,
        rebalance: 'off',
        steps: [
          { afterMs: 0, fault: { kind: 'halt', how: 'hung', node: 3, forMs: 280 } },
          { afterMs: 79, fault: { kind: 'halt', how: 'hung', node: 0, forMs: 197 } },
          { afterMs: 141, fault: { kind: 'one-way', from: 0, to: 0 } },
        ],
      },
    },
    {
      name: 'a machine that sleeps while its speaker leaves comes back',
      schedule: {
        seed: 0,
        nodes: 1,
        vips: 1,
        rebalance: 'off',
        steps: [
          { afterMs: 0, fault: { kind: 'leave', node: 0, forMs: 692 } },
          { afterMs: 15, fault: { kind: 'jump', node: 0, aheadMs: 126 } },
        ],
      },
    },
    {
      name: 'a node that leaves answers beside the taker while it hands over, and no longer',
      schedule: {
        seed: 240147844,
        nodes: 3,
        vips: 3,
        rebalance: 'off',
        steps: [
          { afterMs: 86, fault: { kind: 'one-way', from: 4, to: 2 } },
          { afterMs: 259, fault: { kind: 'heal' } },
          { afterMs: 425, fault: { kind: 'unwant', vip: 3 } },
          { afterMs: 404, fault: { kind: 'unwant', vip: 3 } },
          { afterMs: 452, fault: { kind: 'kill', node: 4, forMs: 1 } },
          { afterMs: 135, fault: { kind: 'leave', node: 0, forMs: 1 } },
        ],
      },
    },
    {
      name: 'a node that hangs while the segment heals settles when it wakes',
      schedule: {
        seed: 0,
        nodes: 3,
        vips: 1,
        rebalance: 'off',
        steps: [
          { afterMs: 0, fault: { kind: 'partition', sides: 27 } },
          { afterMs: 266, fault: { kind: 'move', node: 0, vip: 1 } },
          { afterMs: 18, fault: { kind: 'halt', how: 'hung', node: 2, forMs: 479 } },
          { afterMs: 3, fault: { kind: 'delay', mostMs: 2 } },
          { afterMs: 416, fault: { kind: 'halt', how: 'hung', node: 0, forMs: 1 } },
        ],
      },
    },
    {
      name: 'a node that is not heard waits for the lists that it cannot ask for',
      schedule: {
        seed: 0,
        nodes: 3,
        vips: 5,
        rebalance: 'off',
        steps: [
          { afterMs: 0, fault: { kind: 'one-way', from: 0, to: 5 } },
          { afterMs: 200, fault: { kind: 'jump', node: 0, aheadMs: 187 } },
          { afterMs: 427, fault: { kind: 'allow', node: 0, vip: 0, may: 'own' } },
          { afterMs: 306, fault: { kind: 'halt', how: 'paused', node: 0, forMs: 27 } },
          { afterMs: 22, fault: { kind: 'halt', how: 'hung', node: 2, forMs: 60 } },
        ],
      },
    },
  ];
  for (const { name, schedule } of found) {
    it(name, () => {
      expect(play(schedule)).to.deep.equal([]);
    });
  }
});
