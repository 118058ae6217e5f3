// SPDX-License-Identifier: Apache-2.0
/** Makes VIPs this node's own: the claim, its term, and the answer. */
import type { IpAddress } from '../net/ip-address.ts';
import { nextTerm, nextTermOfFew } from './claim.ts';
import { hasHeardMost, isFrail } from './company.ts';
import type { AnswerReason, Succession } from './event.ts';
import { areMostElsewhere } from './majority.ts';
import { successionOf } from './predecessor.ts';
import type { OwnClaim } from './state.ts';
import { act, change, changeClaims, type Turn } from './turn.ts';

/** A VIP to take, with the reason. */
export interface Taken {
  readonly vip: IpAddress;
  readonly reason: AnswerReason;
  /** Of what is handed over: whether its owner does not know enough either. */
  readonly isUnsure?: boolean;
  readonly after?: Succession | undefined;
}

export function take(turn: Turn, taken: readonly Taken[], strength: 'firm' | 'weak' = 'firm'): void {
  if (taken.length === 0) return;
  const claims = new Map<string, OwnClaim>(turn.state.claims);
  const terms = new Map(turn.state.terms);
  const orphans = new Map(turn.state.orphans);
  const silentClaims = new Map(turn.state.silentClaims);
  const predecessors = new Map(turn.state.predecessors);
  for (const { vip, reason, isUnsure = false, after } of taken) {
    const key = String(vip);
    const line = reason === 'handed-over' ? undefined : silentClaims.get(key);
    // A claim that was offered is known to be good; of others, one that has just come, was silent itself, hears few or
    // has heard most for a moment only may know too little.
    const { former } = turn.state;
    const isOfFew = line !== undefined && areMostElsewhere(turn.state, turn.nowMs);
    const term = isOfFew ? nextTermOfFew(terms.get(key)) : nextTerm(terms.get(key));
    const isIgnorant = !hasHeardMost(turn.state, turn.nowMs) || former.has(key);
    const isNewcomers = reason !== 'handed-over' && isIgnorant;
    claims.set(key, {
      ...{
        vip,
        term,
        sinceMs: turn.nowMs,
        isWeak: strength === 'weak' || (reason !== 'handed-over' && isFrail(turn.state)),
      },
      ...{ yieldsTo: line?.yieldsTo ?? term, isFresh: line?.isFresh ?? (isNewcomers || isUnsure) },
    });
    silentClaims.delete(key);
    terms.set(key, term);
    orphans.delete(key);
    const succession = after ?? successionOf(turn.state, key, turn.nowMs);
    predecessors.delete(key);
    act(turn, { type: 'answer', vip, term, reason, ...(succession && { after: succession }) });
  }
  changeClaims(turn, claims);
  change(turn, { terms, orphans, silentClaims, predecessors, placement: 'settled' });
}
