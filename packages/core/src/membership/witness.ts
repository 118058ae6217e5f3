// SPDX-License-Identifier: Apache-2.0
/** Asks witnesses whether this node is cut off, more often the more hangs on it, and notes when one answered. */
import { WEAK_AFTER_MS } from './claim-standing.ts';
import { WITNESS_MS } from './company.ts';
import { hearsMost, SILENT } from './majority.ts';
import type { MembershipState } from './state.ts';
import { act, change, changeCompany, type Turn } from './turn.ts';

/**
 * Where the witness is all that there is, it is asked again when its last answer is so old, and then so soon at the
 * latest, whatever "dead after" is.
 */
const [WITNESS_AGAIN_MS, WITNESS_ONCE_MORE_MS] = [500, 125];

/** Notes a witness' answer. */
export function hearWitness(turn: Turn): void {
  changeCompany(turn, { witnessedMs: turn.nowMs });
  change(turn, { placement: 'due' });
}

/** Asks witnesses where most of the others are silent. */
export function askWitnesses(turn: Turn): void {
  const { state, nowMs } = turn;
  if (hearsMost(state, nowMs, SILENT)) return;
  if (nowMs < nextWitnessMs(state)) return;
  changeCompany(turn, { askedMs: nowMs });
  act(turn, { type: 'question', about: 'witness' });
}

function nextWitnessMs({ company, timing, members }: MembershipState): number {
  const { askedMs, witnessedMs, cutOffSinceMs } = company;
  const { deadAfterMs } = timing;
  const heardMs = members.reduce((latest, one) => Math.max(latest, one.heardMs), Number.NEGATIVE_INFINITY);
  if (cutOffSinceMs !== undefined && askedMs - cutOffSinceMs >= WEAK_AFTER_MS) return askedMs + WITNESS_MS;
  if (cutOffSinceMs !== undefined) return askedMs + deadAfterMs / 4;
  // It answered since the others fell silent.
  if (witnessedMs > heardMs)
    return Math.max(askedMs + Math.min(deadAfterMs / 4, WITNESS_ONCE_MORE_MS), witnessedMs + WITNESS_AGAIN_MS);
  return askedMs + deadAfterMs / 10;
}
