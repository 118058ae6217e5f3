// SPDX-License-Identifier: Apache-2.0
/** The membership state machine of one segment: a pure function of state, event and monotonic time. */
import type { VipCandidate } from '../placement/candidate.ts';
import { hearAnswer } from './answer.ts';
import { mayBeUneven } from './balance.ts';
import { hearDemand } from './demand.ts';
import type { DesiredVip, MembershipAction, MembershipEvent } from './event.ts';
import { orderMove } from './hand-over.ts';
import { hear } from './hear.ts';
import { candidateNames } from './majority.ts';
import type { MembershipState } from './state.ts';
import { hearIdentity } from './station.ts';
import { tick } from './tick.ts';
import { change, fallSilent, forgetMembers, report, type Turn } from './turn.ts';
import { hearWitness } from './witness.ts';

export interface Stepped {
  readonly state: MembershipState;
  readonly actions: readonly MembershipAction[];
}

/**
 * What follows from an event at a time in milliseconds of a monotonic clock. Time that passed unnoticed is the first
 * thing to be seen to: a node that was away longer than its process fence stops all answers before it looks at the
 * event.
 */
export function stepMembership(before: MembershipState, event: MembershipEvent, nowMs: number): Stepped {
  const turn: Turn = { state: before, nowMs, actions: [] };
  if (wasAway(before, nowMs)) {
    fallSilent(turn, 'was-away');
    forgetMembers(turn);
    change(turn, { tickedMs: nowMs });
  }
  change(turn, { steppedMs: nowMs });
  if (turn.state.phase !== 'gone') handle(turn, event);
  return { state: turn.state, actions: turn.actions };
}

function wasAway({ steppedMs, phase, timing }: MembershipState, nowMs: number): boolean {
  if (steppedMs === undefined || phase === 'gone') return false;
  // A monotonic clock that runs backwards is no clock to own anything by.
  return nowMs - steppedMs >= timing.processFenceMs || nowMs < steppedMs;
}

function handle(turn: Turn, event: MembershipEvent): void {
  switch (event.type) {
    case 'tick':
      tick(turn);
      break;
    case 'frame':
      hear(turn, event.heartbeat);
      break;
    case 'desired':
      desire(turn, event.vips);
      break;
    case 'fitness':
      change(turn, { fitness: event.fitness, placement: 'due', changedMs: turn.nowMs });
      break;
    case 'lapsed':
      fallSilent(turn, 'lapsed');
      break;
    case 'move':
      orderMove(turn, event.vip, event.node);
      break;
    case 'answered':
      hearAnswer(turn, event.vip, event.mac);
      break;
    case 'identified':
      hearIdentity(turn, event.mac, event.as);
      break;
    case 'witnessed':
      hearWitness(turn);
      break;
    case 'demanded':
      hearDemand(turn, event.vip);
      break;
    case 'moves':
      if (turn.state.keepsConnections !== event.keepConnections) mayBeUneven(turn);
      change(turn, { keepsConnections: event.keepConnections });
      break;
    case 'rebalance':
      change(turn, { isRebalanceOrdered: true, looks: { ...turn.state.looks, times: new Map() } });
      break;
    case 'leave':
      leave(turn);
      break;
  }
}

function desire(turn: Turn, vips: readonly DesiredVip[]): void {
  const desired = new Map(vips.map((one) => [String(one.vip), one]));
  const { members, claims, terms } = turn.state;
  const isNeeded = (key: string) =>
    desired.has(key) || claims.has(key) || members.some((member) => member.claims.has(key));
  if ([...desired].some(([key, one]) => hasOtherCandidates(one, turn.state.desired.get(key)))) mayBeUneven(turn);
  const kept = new Map([...terms].filter(([key]) => isNeeded(key)));
  const silentClaims = new Map([...turn.state.silentClaims].filter(([key]) => desired.has(key)));
  const predecessors = new Map([...turn.state.predecessors].filter(([key]) => desired.has(key)));
  change(turn, {
    desired,
    terms: kept,
    silentClaims,
    predecessors,
    candidateNames: candidateNames(vips),
    placement: 'due',
  });
}

/** A VIP that is new goes where it belongs in any case. */
function hasOtherCandidates({ candidates }: DesiredVip, known: DesiredVip | undefined): boolean {
  const before = known?.candidates;
  if (before === undefined || before === candidates) return false;
  if (before.length !== candidates.length) return true;
  return candidates.some((one, index) => !isSameCandidate(one, before[index]));
}

function isSameCandidate(a: VipCandidate, b: VipCandidate | undefined): boolean {
  return a.node === b?.node && a.standing === b.standing && a.score === b.score;
}

function leave(turn: Turn): void {
  const { phase } = turn.state;
  if (phase === 'leaving') return;
  change(turn, { phase: 'leaving', phaseSinceMs: turn.nowMs, placement: 'due', lists: 'urgent' });
  report(turn, { kind: 'phase', phase: 'leaving' });
}
