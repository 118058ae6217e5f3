// SPDX-License-Identifier: Apache-2.0
/**
 * How many questions are asked on the wire, how soon again, and how long an answer is waited for
 * (docs/design/0012-ask-before-you-take.md, section 3). What is asked is bounded, whatever happens to the segment.
 */
import { isAnsweringOnly } from './member.ts';
import type { MembershipState } from './state.ts';
import { change, type Turn } from './turn.ts';

/** Questions of one interval. */
const MOST_QUESTIONS = 32;
/** One member that answers is asked again so much later for each that does, in milliseconds: 100 questions a second. */
const PACE_MS = 10;
/** Parts of "dead after": how soon is asked again, and how long an answer is waited for. */
export const [ASK_AGAIN, ANSWER_WITHIN] = [0.1, 0.2];

/** Whether one more question may be asked in this interval; it counts as asked then. */
export function spend(turn: Turn): boolean {
  const { questions, timing } = turn.state;
  const isOpen = turn.nowMs < questions.untilMs;
  const left = isOpen ? questions.left : MOST_QUESTIONS;
  if (left === 0) return false;
  change(turn, {
    questions: { left: left - 1, untilMs: isOpen ? questions.untilMs : turn.nowMs + timing.intervalMs },
  });
  return true;
}

/** How much later than it would be each member is asked on, in milliseconds: the more there are, the less often. */
export function pauseMs({ members, tickedMs }: MembershipState): number {
  return PACE_MS * members.filter((one) => isAnsweringOnly(one, tickedMs)).length;
}
