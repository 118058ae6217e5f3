// SPDX-License-Identifier: Apache-2.0
/** When a machine wants to be looked at again. */
import { membersTickMs } from './silent-member.ts';
import { listSpacingMs, type MembershipState } from './state.ts';

/**
 * When the next tick is worth giving, at the latest one interval after the last: at once when there is something to
 * decide or to send, else when the next member is to be asked about or would count as dead.
 */
export function nextTickMs(state: MembershipState): number {
  const latest = state.tickedMs + state.timing.intervalMs;
  const isPlacing = state.phase === 'active' || state.phase === 'leaving';
  if ((isPlacing && state.placement === 'due') || state.lists === 'urgent') return state.tickedMs;
  if (state.lists === 'due') return Math.max(state.tickedMs, Math.min(latest, state.listedMs + listSpacingMs(state)));
  const { questions, doubtMs } = state;
  const soonest = membersTickMs(state, latest);
  const doubt = questions.left > 0 ? doubtMs : Math.max(doubtMs, questions.untilMs);
  return Math.min(latest, Math.max(soonest, state.graceUntilMs), isPlacing ? Math.max(doubt, state.tickedMs) : latest);
}
