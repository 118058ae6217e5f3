// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { afterSending, beforeSending, CLOSED_FENCE, type Fence, held, mayAnswer, released, renewed } from './fence.ts';
import { expectedOf, FENCE_VECTORS, playFence } from './fence.vectors.ts';
import { type Timing, timingOf } from './timing.ts';

function timing(): Timing {
  const found = timingOf();
  if (!found.ok) throw new Error(found.problems.join());
  return found.timing;
}

const TIMING = timing();

function sent(fence: Fence, atMs: number): Fence {
  return afterSending(fence, TIMING, { beforeMs: atMs, afterMs: atMs });
}

/** A fence whose process is well until 500 and whose last heartbeat went out at 100. */
function open(): Fence {
  return sent(released(renewed(CLOSED_FENCE, 500)), 100);
}

describe('fence', () => {
  it('is closed at first: nothing is answered before a heartbeat went out', () => {
    expect(mayAnswer(renewed(CLOSED_FENCE, 500), 100)).to.equal(false);
  });

  it('FO-05: stops answering by itself when no heartbeat goes out', () => {
    expect(mayAnswer(open(), 249)).to.equal(true);
    expect(mayAnswer(open(), 250)).to.equal(false);
  });

  it('FO-05: sends no heartbeat when the deciding process gave no sign', () => {
    const silent = { ...open(), sentMs: 480, answerUntilMs: 630 };
    expect(beforeSending(silent, TIMING, 499).may).to.equal('send');
    expect(beforeSending(silent, TIMING, 500).may).to.equal('not-send');
  });

  it('FO-05: does not open again by itself after it was late', () => {
    const late = beforeSending(open(), TIMING, 260);
    expect(late.may).to.equal('not-send');
    expect(late.fence.lapse).to.equal('lapsed');
    const again = renewed(late.fence, 800);
    expect(beforeSending(again, TIMING, 270).may).to.equal('not-send');
    expect(mayAnswer(again, 270)).to.equal(false);
  });

  it('opens again when the deciding process has seen to the lapse', () => {
    const late = beforeSending(open(), TIMING, 260).fence;
    expect(beforeSending(held(late), TIMING, 270).may).to.equal('send');
    expect(mayAnswer(sent(held(late), 270), 271)).to.equal(false);
    expect(mayAnswer(sent(released(held(late)), 270), 271)).to.equal(true);
  });

  it('FO-05: ends, for all allowed times, before peers may take over, wherever the sender stops', () => {
    const options = fc.record({
      intervalMs: fc.integer({ min: 5, max: 1000 }),
      deadAfterMs: fc.integer({ min: 20, max: 30_000 }),
    });
    fc.assert(
      fc.property(options, fc.nat(100_000), fc.nat(1000), (chosen, sentMs, transitMs) => {
        const found = timingOf(chosen);
        fc.pre(found.ok);
        if (!found.ok) return;
        const open = released(renewed(CLOSED_FENCE, Number.POSITIVE_INFINITY));
        const fence = afterSending(open, found.timing, { beforeMs: sentMs, afterMs: sentMs });
        const takeOverMs = sentMs + transitMs + found.timing.deadAfterMs;
        expect(mayAnswer(fence, takeOverMs)).to.equal(false);
        expect(takeOverMs - fence.answerUntilMs).to.be.at.least(found.timing.intervalMs);
      }),
    );
  });

  for (const { name, answerMs, steps } of FENCE_VECTORS) {
    it(`FO-05: ${name}`, () => {
      expect(playFence(answerMs, steps)).to.deep.equal(expectedOf(steps));
    });
  }
});
