// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { claimsOf, LoneNode, vipOf } from './testing.ts';

describe('company', () => {
  // The slowest, and such as ask a witness less often than its answer holds.
  const timings = [
    { intervalMs: 25, deadAfterMs: 200 },
    { intervalMs: 250, deadAfterMs: 8_000 },
    { intervalMs: 1_000, deadAfterMs: 30_000 },
  ];
  for (const timing of timings)
    it(`BL-13: is not cut off while a witness answers, heartbeats every ${timing.intervalMs} ms, dead after ${timing.deadAfterMs} ms`, () => {
      const node = new LoneNode({ timing });
      node.want(['edge-1', 'edge-2'], 20);
      node.pass(40_000, claimsOf(1, [20, 1]));
      node.pass(2 * timing.deadAfterMs);
      expect(node.owned()).to.deep.equal([String(vipOf(20))]);
      node.take();
      // Ticks come once an interval, each a little late.
      for (let passedMs = 0; passedMs < 120_000; passedMs += timing.intervalMs + 2) {
        node.nowMs += timing.intervalMs + 2;
        node.give({ type: 'tick' });
      }
      expect(node.reports()).to.deep.equal([]);
      expect([...node.state.claims.values()].map(({ isWeak }) => isWeak)).to.deep.equal([false]);
    });
});
