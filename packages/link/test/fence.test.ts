// SPDX-License-Identifier: Apache-2.0
/**
 * The fences of a node in C against those in TypeScript: the same vectors, then random steps, must come to the same
 * end.
 */
import { nativeLink } from '@berth/link';
import { expect } from 'chai';
import fc from 'fast-check';
import { expectedOf, FENCE_VECTORS, type FenceStep, playFence } from '../../core/src/membership/fence.vectors.ts';
import { buildAddon } from '../build.ts';

const CODES = { hold: 0, release: 1, renew: 2, round: 3, answer: 4 } as const;

function playInC(answerMs: number, steps: readonly FenceStep[]): number[] {
  const numbers = Int32Array.from(
    steps.flatMap((step) => [CODES[step[0]], step[1] ?? 0, step[0] === 'round' ? step[2] : 0]),
  );
  nativeLink().playFence(answerMs, numbers);
  return steps.map((_, index) => numbers[3 * index] ?? -1);
}

/** Steps with times that only grow. */
function randomSteps(): fc.Arbitrary<FenceStep[]> {
  const kind = fc.constantFrom('hold', 'release', 'renew', 'round', 'round', 'round', 'answer', 'answer');
  const spans = fc.array(fc.tuple(kind, fc.nat(90), fc.nat(60)), { maxLength: 40 });
  return spans.map((chosen) => {
    let nowMs = 1000;
    return chosen.map(([what, laterMs, spentMs]): FenceStep => {
      nowMs += laterMs;
      if (what === 'renew') return [what, nowMs + 2 * spentMs];
      if (what === 'answer') return [what, nowMs, 0];
      if (what !== 'round') return [what];
      nowMs += spentMs;
      return [what, nowMs - spentMs, nowMs, 0];
    });
  });
}

describe('the fence in C', () => {
  before(() => buildAddon());

  for (const { name, answerMs, steps } of FENCE_VECTORS) {
    it(`FO-05: ${name}`, () => {
      expect(playInC(answerMs, steps)).to.deep.equal(expectedOf(steps));
    });
  }

  it('FO-05: agrees with TypeScript on random steps', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), randomSteps(), (answerMs, steps) => {
        expect(playInC(answerMs, steps)).to.deep.equal(playFence(answerMs, steps));
      }),
      { numRuns: 2000 },
    );
  });
});
