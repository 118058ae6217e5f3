// SPDX-License-Identifier: Apache-2.0
/**
 * What a node does about the VIPs of the cluster, once it has listened: keeps what it owns and may own, takes what
 * falls to it, and takes what others left lying. Pure functions of members, candidates and claims decide; see
 * placement/.
 */

import { withoutDoubt } from './ask-first.ts';
import { type Claimant, isOfOpenLine } from './claim.ts';
import { claimStrength } from './company.ts';
import { demandedSinceMs } from './demand.ts';
import { isHeard, lacksLists } from './member.ts';
import { fallen, type KeyedOrphan, orphansOf } from './orphans.ts';
import { isOwnCandidate, ownershipOf } from './ownership.ts';
import { offeredBy } from './predecessor.ts';
import type { Invitation } from './state.ts';
import { type Taken, take } from './take.ts';
import { change, FORMER_MS, giveUp, stopAnswering, type Turn } from './turn.ts';

/** Decides about every VIP of the cluster once. */
export function place(turn: Turn): void {
  change(turn, { placement: 'settled' });
  releaseUnwanted(turn);
  acceptInvitations(turn);
  if (turn.state.phase === 'active') adoptOrphans(turn);
}

function releaseUnwanted(turn: Turn): void {
  const { claims, desired } = turn.state;
  const unwanted = [...claims.keys()].filter((key) => !desired.has(key));
  for (const key of unwanted) stopAnswering(turn, key, 'not-wanted');
  if (unwanted.length > 0) giveUp(turn, unwanted);
}

/** Takes what owners offered, unless somebody else was faster. */
function acceptInvitations(turn: Turn): void {
  const { state } = turn;
  if (state.invitations.size === 0) return;
  const { owners } = ownershipOf(turn);
  const isTakeable = ([key, { term, from }]: [string, Invitation]) => {
    const desired = state.desired.get(key);
    const owner = owners.get(key);
    // Who has the worse of two claims has nothing to give.
    const isStale = owner !== undefined && (owner.term > term || owner.bootId !== from);
    return desired !== undefined && isOwnCandidate(turn, desired) && !isStale;
  };
  const taken = state.phase === 'active' ? [...state.invitations].filter(isTakeable) : [];
  change(turn, { invitations: new Map() });
  const isOfCutOff = ([key]: [string, unknown]) => state.company.cutOffSinceMs !== undefined && owners.get(key)?.isWeak;
  for (const strength of ['firm', 'weak'] as const) {
    const of = taken.filter((one) => (isOfCutOff(one) ? 'weak' : 'firm') === strength);
    take(
      turn,
      of.map(([key, { vip }]) => ({
        ...{ vip, reason: 'handed-over', isUnsure: isUnsure(owners.get(key)) },
        after: offeredBy(state, key, owners.get(key)?.bootId),
      })),
      strength,
    );
  }
}

/** See tellUnsure in hand-over.ts. */
function isUnsure(owner: Claimant | undefined): boolean {
  return owner?.isFresh === true && isOfOpenLine(owner);
}

function adoptOrphans(turn: Turn): void {
  const { owners, loads } = ownershipOf(turn);
  const all = orphansOf(turn, owners);
  const orphanedMs = new Map(all.map(({ key }) => [key, turn.state.orphans.get(key) ?? turn.nowMs]));
  change(turn, { orphans: orphanedMs, plan: all.length === 0 ? undefined : turn.state.plan });
  if (all.length === 0 && turn.state.doubts.size === 0) return;
  const strength = claimStrength(turn);
  // Without a witness only what hosts on this side ask for is served, and its time begins with that.
  const demandedMs = demandedSinceMs(turn);
  const since = strength === 'weak' ? demandedMs : orphanedMs;
  // Nothing is taken while it cannot be told who is cut off, nor before the frames that waited are read.
  const isBarred = strength === undefined || turn.nowMs < turn.state.graceUntilMs;
  const orphans = isBarred ? [] : strength === 'weak' ? all.filter(({ key }) => demandedMs.has(key)) : all;
  const [former, rest] = [true, false].map((is) => orphans.filter((one) => isFormer(turn, one) === is));
  const due = (former ?? []).map(({ vip }): Taken => ({ vip, reason: 'orphaned' }));
  if (!isWaitingForFormerOwners(turn)) due.push(...fallen(turn, rest ?? [], { loads, since }));
  // Who is not heard, or whose list is missing, may have taken over meanwhile.
  const { company, members } = turn.state;
  const isSure = company.manySinceMs !== undefined && members.every((one) => one.claimsVersion !== undefined);
  const known = new Set(isSure ? former?.map(({ key }) => key) : []);
  take(turn, withoutDoubt(turn, due, { owners, former: known }), strength);
}

/** What this node owned before it fell silent by itself a moment ago. */
function isFormer({ state, nowMs }: Turn, { key, candidates }: KeyedOrphan): boolean {
  const isRemembered = nowMs - state.lapsedMs < FORMER_MS && state.former.has(key);
  return isRemembered && candidates.some(({ node }) => node === state.self.node);
}

/**
 * A machine that stood still took the speakers of others with it, if they are nodes of one: who fell silent takes
 * nothing else until those that listen as well had time to take back what they owned, and to say so.
 */
function isWaitingForFormerOwners({ state, nowMs }: Turn): boolean {
  const { lapsedMs, phaseSinceMs, timing, members } = state;
  if (
    phaseSinceMs - lapsedMs > timing.listenAtMostMs ||
    nowMs - phaseSinceMs >= timing.listenMs + 2 * timing.intervalMs
  )
    return false;
  return members.some((one) => isHeard(one, nowMs) && (one.phase === 'listening' || lacksLists(one)));
}
