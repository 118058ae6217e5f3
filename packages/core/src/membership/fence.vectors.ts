// SPDX-License-Identifier: Apache-2.0
/**
 * For tests: what becomes of the two fences of a node, step by step. The same for TypeScript and for C. All times in
 * milliseconds.
 */
import { afterSending, beforeSending, CLOSED_FENCE, type Fence, held, mayAnswer, released, renewed } from './fence.ts';

/** 0 not sent; 1 sent; 2 lapsed before it could be sent; 3 sent, and lapsed by it. */
export type RoundOutcome = 0 | 1 | 2 | 3;

export type FenceStep =
  | readonly ['hold' | 'release']
  /** The process' fence holds until then. */
  | readonly ['renew', number]
  /** A round that begins and ends then, and what comes of it. */
  | readonly ['round', number, number, RoundOutcome]
  /** Whether is answered then: 0 or 1. */
  | readonly ['answer', number, 0 | 1];

export interface FenceVector {
  readonly name: string;
  readonly answerMs: number;
  readonly steps: readonly FenceStep[];
}

export const FENCE_VECTORS: readonly FenceVector[] = [
  {
    name: 'nothing is sent before the process gave a sign, nothing is answered before a round went out',
    answerMs: 150,
    steps: [
      ['release'],
      ['round', 1000, 1000, 0],
      ['answer', 1001, 0],
      ['renew', 1500],
      ['answer', 1001, 0],
      ['round', 1002, 1002, 1],
      ['answer', 1003, 1],
    ],
  },
  {
    name: 'a held fence stays closed while rounds go out, and never lapses',
    answerMs: 150,
    steps: [
      ['renew', 9000],
      ['round', 1000, 1000, 1],
      ['answer', 1001, 0],
      ['round', 2000, 2000, 1],
      ['release'],
      ['answer', 2001, 0],
      ['round', 2025, 2025, 1],
      ['answer', 2026, 1],
    ],
  },
  {
    name: 'the answer fence counts from before the send call',
    answerMs: 150,
    steps: [['renew', 9000], ['release'], ['round', 1000, 1020, 1], ['answer', 1149, 1], ['answer', 1150, 0]],
  },
  {
    name: 'a round that is as late as the fence is long lapses, and nothing goes on by itself',
    answerMs: 150,
    steps: [
      ['renew', 9000],
      ['release'],
      ['round', 1000, 1000, 1],
      ['round', 1149, 1149, 1],
      ['round', 1299, 1299, 2],
      ['round', 1300, 1300, 0],
      ['renew', 9500],
      ['round', 1325, 1325, 0],
      ['answer', 1326, 0],
      ['hold'],
      ['round', 1350, 1350, 1],
      ['answer', 1351, 0],
      ['release'],
      ['round', 1375, 1375, 1],
      ['answer', 1376, 1],
    ],
  },
  {
    name: 'a process that gave no sign silences its rounds, then its answers, and lapses',
    answerMs: 150,
    steps: [
      ['renew', 1050],
      ['release'],
      ['round', 1000, 1000, 1],
      ['round', 1049, 1049, 1],
      ['round', 1050, 1050, 0],
      ['answer', 1198, 1],
      ['answer', 1199, 0],
      ['renew', 9000],
      ['round', 1199, 1199, 2],
    ],
  },
  {
    name: 'a process that comes back within the fence goes on',
    answerMs: 150,
    steps: [
      ['renew', 1050],
      ['release'],
      ['round', 1000, 1000, 1],
      ['round', 1075, 1075, 0],
      ['renew', 9000],
      ['round', 1100, 1100, 1],
      ['answer', 1249, 1],
      ['answer', 1250, 0],
    ],
  },
  {
    name: 'a send call that takes longer than the fence lapses',
    answerMs: 150,
    steps: [['renew', 9000], ['release'], ['round', 1000, 1150, 3], ['answer', 1151, 0], ['round', 1175, 1175, 0]],
  },
  {
    name: 'a fence that ran out during the send call is not opened again',
    answerMs: 150,
    steps: [
      ['renew', 9000],
      ['release'],
      ['round', 1000, 1000, 1],
      ['round', 1140, 1160, 3],
      ['answer', 1161, 0],
      ['round', 1165, 1165, 0],
    ],
  },
  {
    name: 'a hold closes the fence at once',
    answerMs: 53,
    steps: [
      ['renew', 9000],
      ['release'],
      ['round', 1000, 1000, 1],
      ['answer', 1052, 1],
      ['hold'],
      ['answer', 1001, 0],
      ['round', 1010, 1010, 1],
      ['answer', 1011, 0],
    ],
  },
];

/** What comes of each step in TypeScript: the outcome of a round, 0 or 1 for a question, 0 for the others. */
export function playFence(answerFenceMs: number, steps: readonly FenceStep[]): number[] {
  let fence: Fence = CLOSED_FENCE;
  return steps.map((step) => {
    if (step[0] === 'answer') return mayAnswer(fence, step[1]) ? 1 : 0;
    if (step[0] === 'round') {
      const [after, outcome] = round(fence, { answerFenceMs }, [step[1], step[2]]);
      fence = after;
      return outcome;
    }
    if (step[0] === 'renew') fence = renewed(fence, step[1]);
    else fence = step[0] === 'hold' ? held(fence) : released(fence);
    return 0;
  });
}

function round(
  before: Fence,
  timing: { readonly answerFenceMs: number },
  [beforeMs, afterMs]: readonly [number, number],
): [Fence, RoundOutcome] {
  const { fence, may } = beforeSending(before, timing, beforeMs);
  if (may === 'not-send') return [fence, fence.lapse !== before.lapse ? 2 : 0];
  const sent = afterSending(fence, timing, { beforeMs, afterMs });
  return [sent, sent.lapse === 'lapsed' ? 3 : 1];
}

/** What each step of a vector should come to. */
export function expectedOf(steps: readonly FenceStep[]): number[] {
  return steps.map((step) => (step[0] === 'round' ? step[3] : step[0] === 'answer' ? step[2] : 0));
}
