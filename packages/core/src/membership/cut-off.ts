// SPDX-License-Identifier: Apache-2.0
/**
 * When this node becomes cut off and when it is in company again (docs/design/0012-ask-before-you-take.md, section 4),
 * and what follows from either.
 */
import { FIRM_AFTER_MS, strengthen, weakenAll } from './claim-standing.ts';
import { isConnected, isFrail } from './company.ts';
import { forgetDemands } from './demand.ts';
import { GONE, hearsMost, hearsMostOfCluster } from './majority.ts';
import { isHeard } from './member.ts';
import { change, changeCompany, report, type Turn } from './turn.ts';

/** A node that is not heard any more counts among the others for so long, as long as this node is connected. */
const ABSENCE_MS = 2000;
/** Cut off twice within this time, a node is unsteady until it was not for as long. */
const STEADY_MS = 60_000;

/** What time and company bring about: cut off or not, steady or not, claims that become weak or firm. */
export function lookAtCompany(turn: Turn): void {
  const { state, nowMs } = turn;
  const isFree = isConnected(state, nowMs);
  if (isFree) ageAbsent(turn);
  const isCutOff = !isFree && !hearsMost(state, nowMs, GONE) && nowMs - state.startedMs >= state.timing.deadAfterMs;
  if (isCutOff && state.company.cutOffSinceMs === undefined) beginCutOff(turn);
  if (isFree && state.company.cutOffSinceMs !== undefined) endCutOff(turn);
  noteSpans(turn, isFree, isCutOff);
  settle(turn);
  strengthen(turn);
}

function ageAbsent(turn: Turn): void {
  const { absent } = turn.state.company;
  if (absent.size === 0) return;
  const { candidateNames: names, members } = turn.state;
  // While nobody is heard they are missed on: this node cannot tell whether they are gone.
  const isMissedOn = !members.some((one) => isHeard(one, turn.nowMs));
  const isCounted = ([node, heardMs]: [string, number]) =>
    (isMissedOn || turn.nowMs - heardMs < ABSENCE_MS) &&
    (names.size === 0 || names.has(node)) &&
    !members.some((one) => one.node === node);
  const kept = [...absent].filter(isCounted);
  if (kept.length < absent.size) changeCompany(turn, { absent: new Map(kept) });
}

function beginCutOff(turn: Turn): void {
  const { nowMs } = turn;
  const { cutOffBeganMs, freshness, steadiness } = turn.state.company;
  report(turn, { kind: 'cut-off', state: 'began' });
  // Whoever has only just come was not cut off: its cable, or its port, was.
  const isAgain = freshness === 'settled' && nowMs - cutOffBeganMs < STEADY_MS;
  changeCompany(turn, {
    cutOffSinceMs: nowMs,
    cutOffBeganMs: freshness === 'settled' ? nowMs : cutOffBeganMs,
    steadiness: isAgain ? 'unsteady' : steadiness,
  });
  if (isFrail(turn.state)) weakenAll(turn);
}

function endCutOff(turn: Turn): void {
  report(turn, { kind: 'cut-off', state: 'ended' });
  changeCompany(turn, { cutOffSinceMs: undefined, cutOffEndedMs: turn.nowMs });
  forgetDemands(turn);
  change(turn, { placement: 'due' });
}

function noteSpans(turn: Turn, isFree: boolean, isCutOff: boolean): void {
  const { connectedSinceMs, manySinceMs } = turn.state.company;
  const since = isFree ? (connectedSinceMs ?? turn.nowMs) : isCutOff ? undefined : connectedSinceMs;
  const isMany = hearsMostOfCluster(turn.state, turn.nowMs);
  const many = isMany ? (manySinceMs ?? turn.nowMs) : undefined;
  if (since !== connectedSinceMs || many !== manySinceMs)
    changeCompany(turn, { connectedSinceMs: since, manySinceMs: many });
}

function settle(turn: Turn): void {
  const { state, nowMs } = turn;
  const { freshness, steadiness, connectedSinceMs, cutOffSinceMs, cutOffEndedMs } = state.company;
  const isSettled = connectedSinceMs !== undefined && nowMs - connectedSinceMs >= FIRM_AFTER_MS;
  if (freshness === 'fresh' && isSettled && state.phase !== 'listening') changeCompany(turn, { freshness: 'settled' });
  const isSteady = cutOffSinceMs === undefined && nowMs - cutOffEndedMs >= STEADY_MS;
  if (steadiness === 'unsteady' && isSteady) changeCompany(turn, { steadiness: 'steady' });
}
