// SPDX-License-Identifier: Apache-2.0
/**
 * Whether this node is cut off or the others are (docs/design/0012-ask-before-you-take.md, section 2). It is connected
 * while it hears more than half of the nodes that it heard a moment ago, itself counted, or while a witness answers.
 */
import type { VipCandidate } from '../placement/candidate.ts';
import { forgetDemands } from './demand.ts';
import type { DesiredVip } from './event.ts';
import { isHeard, type Member, suspectAtMs } from './member.ts';
import { pauseMs } from './question.ts';
import type { Company, MembershipState, OwnClaim } from './state.ts';
import { act, change, changeClaims, report, type Turn } from './turn.ts';

/** A node that is not heard any more counts among the others for so long, as long as this node is connected. */
const ABSENCE_MS = 2000;
/** After it was cut off a node takes nothing for so many intervals. */
const TOGETHER_INTERVALS = 3;
/** The answer of a witness holds for so long, and for so many intervals. */
const [WITNESS_MS, WITNESS_INTERVALS] = [1000, 4];
/**
 * Where the witness is all that there is, it is asked again when its last answer is so old, and then so soon at the
 * latest, whatever "dead after" is.
 */
const [WITNESS_AGAIN_MS, WITNESS_ONCE_MORE_MS] = [500, 125];
/**
 * What was claimed provisionally, or by a node that had just come, is firm after so long in company without a better
 * claim.
 */
const FIRM_AFTER_MS = 1000;
const ESTABLISHED_AFTER_MS = 3000;
/** What a node owns is weak when it was cut off for so long. */
const WEAK_AFTER_MS = 10_000;
/** Cut off twice within this time, a node is unsteady until it was not for as long. */
const STEADY_MS = 60_000;

/** How a claim that is made now stands; undefined: none may be made yet. */
export function claimStrength({ state, nowMs }: Turn): 'firm' | 'weak' | undefined {
  const { company, timing } = state;
  // Those that come together have to hear of each other first.
  if (nowMs - company.cutOffEndedMs < TOGETHER_INTERVALS * timing.intervalMs) return undefined;
  if (isConnected(state, nowMs)) return 'firm';
  const { cutOffSinceMs } = company;
  return cutOffSinceMs !== undefined && nowMs - cutOffSinceMs >= timing.takeoverPatienceMs ? 'weak' : undefined;
}

/** Whether this node may take what falls to it at once. */
export function isConnected(state: MembershipState, nowMs: number): boolean {
  return isWitnessed(state, nowMs) || hearsMost(state, nowMs, SUSPECTED) || hasJoined(state, nowMs);
}

/** The names of all nodes that may own anything. Lists of candidates are shared, so there are few. */
export function candidateNames(vips: Iterable<DesiredVip>): ReadonlySet<string> {
  const lists = new Set<readonly VipCandidate[]>();
  for (const { candidates } of vips) lists.add(candidates);
  return new Set([...lists].flatMap((list) => list.map(({ node }) => node)));
}

/** Notes a witness' answer. */
export function hearWitness(turn: Turn): void {
  update(turn, { witnessedMs: turn.nowMs });
  change(turn, { placement: 'due' });
}

/** Asks witnesses where most of the others are silent. */
export function askWitnesses(turn: Turn): void {
  const { state, nowMs } = turn;
  if (hearsMost(state, nowMs, SILENT)) return;
  if (nowMs < nextWitnessMs(state)) return;
  update(turn, { askedMs: nowMs });
  act(turn, { type: 'question', about: 'witness' });
}

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

/** Whether a node that hears nobody, and no witness, says so. */
export function saysCutOff({ company, members }: MembershipState, nowMs: number): boolean {
  return company.cutOffSinceMs !== undefined && !members.some((one) => isHeard(one, nowMs));
}

/** Whether more than half of all nodes that may own anything are not heard: they may go on together elsewhere. */
export function areMostElsewhere(state: MembershipState, nowMs: number): boolean {
  const [heard, all] = countHeard(state, nowMs, SUSPECTED);
  return heard * 2 < all;
}

/** Whether this node has been here and has heard most nodes of the cluster for so long that it knows who owns what. */
export function hasHeardMost({ company }: MembershipState, nowMs: number): boolean {
  const { freshness, manySinceMs } = company;
  return freshness === 'settled' && manySinceMs !== undefined && nowMs - manySinceMs >= ESTABLISHED_AFTER_MS;
}

/**
 * Whether others go before this node, and what it owned when it was cut off, or took without an offer since, is weak.
 */
export function isFrail({ company }: MembershipState): boolean {
  return company.steadiness === 'unsteady';
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

/**
 * Parts of "dead after": when a member counts as heard for a takeover, when witnesses are asked, when a member is dead,
 * when this node is cut off.
 */
const [SUSPECTED, SILENT, DEAD, GONE] = [0.5, 0.8, 1, 1.1];

/**
 * Whether more than half of the nodes are heard, itself counted: those whose last frame, or answer to a question, is
 * younger than this part of "dead after". Who answers is there, and so is this node, though no heartbeat passes between
 * them.
 */
function hearsMost(state: MembershipState, nowMs: number, part: number): boolean {
  const { members, company, self } = state;
  const heard = new Set([self.node]);
  const pause = pauseMs(state);
  for (const one of members) if (nowMs - lastContactMs(one, pause) < one.deadAfterMs * part) heard.add(one.node);
  // Nobody is no company: a node that hears none needs a witness, unless there is no other, or all others said goodbye.
  if (heard.size === 1) return !hasOthers(state);
  const all = new Set([...heard, ...members.map(({ node }) => node), ...company.absent.keys()]);
  if (company.freshness === 'fresh') for (const name of state.candidateNames) all.add(name);
  return heard.size * 2 > all.size;
}

// Where many are asked, each of them is asked less often.
function lastContactMs({ heardMs, answeredMs }: Member, pause: number): number {
  return Math.max(heardMs, (answeredMs ?? Number.NEGATIVE_INFINITY) + pause);
}

function hasOthers({ candidateNames: names, members, company, self }: MembershipState): boolean {
  if (members.length > 0 || company.absent.size > 0) return true;
  return company.freshness === 'fresh' && [...names].some((name) => name !== self.node);
}

function isWitnessed({ company, timing }: MembershipState, nowMs: number): boolean {
  return nowMs - company.witnessedMs <= Math.max(WITNESS_MS, WITNESS_INTERVALS * timing.intervalMs);
}

/** A node that has just come is connected as soon as it hears one that is at work and in company itself. */
function hasJoined({ company, members }: MembershipState, nowMs: number): boolean {
  if (company.freshness !== 'fresh') return false;
  return members.some(
    (one) =>
      one.phase === 'active' &&
      !one.isCutOff &&
      one.claimsVersion === one.claimsSaid &&
      nowMs < suspectAtMs(one) &&
      isEstablished(one),
  );
}

function isEstablished({ claims }: Member): boolean {
  for (const { isWeak, isFresh } of claims.values()) if (!isWeak && !isFresh) return true;
  return false;
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
  if (kept.length < absent.size) update(turn, { absent: new Map(kept) });
}

function beginCutOff(turn: Turn): void {
  const { nowMs } = turn;
  const { cutOffBeganMs, freshness, steadiness } = turn.state.company;
  report(turn, { kind: 'cut-off', state: 'began' });
  // Whoever has only just come was not cut off: its cable, or its port, was.
  const isAgain = freshness === 'settled' && nowMs - cutOffBeganMs < STEADY_MS;
  update(turn, {
    cutOffSinceMs: nowMs,
    cutOffBeganMs: freshness === 'settled' ? nowMs : cutOffBeganMs,
    steadiness: isAgain ? 'unsteady' : steadiness,
  });
  if (isFrail(turn.state)) weakenAll(turn);
}

// What it is offered from then on is firm: who offers it knows.
function weakenAll(turn: Turn): void {
  const { claims } = turn.state;
  if ([...claims.values()].every(({ isWeak }) => isWeak)) return;
  sayAnew(turn, new Map([...claims].map(([key, one]) => [key, { ...one, isWeak: true }])));
}

function endCutOff(turn: Turn): void {
  report(turn, { kind: 'cut-off', state: 'ended' });
  update(turn, { cutOffSinceMs: undefined, cutOffEndedMs: turn.nowMs });
  forgetDemands(turn);
  change(turn, { placement: 'due' });
}

function noteSpans(turn: Turn, isFree: boolean, isCutOff: boolean): void {
  const { connectedSinceMs, manySinceMs } = turn.state.company;
  const since = isFree ? (connectedSinceMs ?? turn.nowMs) : isCutOff ? undefined : connectedSinceMs;
  const isMany = hearsMostOfCluster(turn.state, turn.nowMs);
  const many = isMany ? (manySinceMs ?? turn.nowMs) : undefined;
  if (since !== connectedSinceMs || many !== manySinceMs) update(turn, { connectedSinceMs: since, manySinceMs: many });
}

function hearsMostOfCluster(state: MembershipState, nowMs: number): boolean {
  const [heard, all] = countHeard(state, nowMs, DEAD);
  return heard * 2 > all;
}

/** This node, those that it heard within this part of "dead after", and all that may own anything. */
function countHeard(
  { members, candidateNames: names, self }: MembershipState,
  nowMs: number,
  part: number,
): [heard: number, all: number] {
  const heard = new Set([self.node]);
  for (const one of members) if (nowMs - one.heardMs < one.deadAfterMs * part) heard.add(one.node);
  return [heard.size, new Set([...heard, ...names]).size];
}

function settle(turn: Turn): void {
  const { state, nowMs } = turn;
  const { freshness, steadiness, connectedSinceMs, cutOffSinceMs, cutOffEndedMs } = state.company;
  const isSettled = connectedSinceMs !== undefined && nowMs - connectedSinceMs >= FIRM_AFTER_MS;
  if (freshness === 'fresh' && isSettled && state.phase !== 'listening') update(turn, { freshness: 'settled' });
  const isSteady = cutOffSinceMs === undefined && nowMs - cutOffEndedMs >= STEADY_MS;
  if (steadiness === 'unsteady' && isSteady) update(turn, { steadiness: 'steady' });
}

/** Claims become weak when this node was cut off for long, and firm when it has been in company for a while. */
function strengthen(turn: Turn): void {
  const { claims, company } = turn.state;
  if (claims.size === 0) return;
  const hasLasted = (sinceMs: number | undefined, forMs: number) =>
    sinceMs !== undefined && turn.nowMs - sinceMs >= forMs;
  // From when it last heard the others, which was a little before it could know.
  const weakens = hasLasted(company.cutOffSinceMs, WEAK_AFTER_MS - GONE * turn.state.timing.deadAfterMs);
  const firms = !isFrail(turn.state) && hasLasted(company.connectedSinceMs, FIRM_AFTER_MS);
  const establishes =
    hasLasted(company.connectedSinceMs, FIRM_AFTER_MS) && hasLasted(company.manySinceMs, ESTABLISHED_AFTER_MS);
  const isDue = (one: OwnClaim) =>
    (weakens && !one.isWeak) ||
    (firms && one.isWeak) ||
    (establishes && one.isFresh && age(turn, one) >= ESTABLISHED_AFTER_MS);
  if (![...claims.values()].some(isDue)) return;
  const standing = (one: OwnClaim): OwnClaim => ({
    ...one,
    isWeak: weakens || (one.isWeak === true && !firms),
    isFresh: one.isFresh === true && !(establishes && age(turn, one) >= ESTABLISHED_AFTER_MS),
  });
  sayAnew(turn, new Map([...claims].map(([key, one]) => [key, isDue(one) ? standing(one) : one])));
}

function age(turn: Turn, { sinceMs }: OwnClaim): number {
  return turn.nowMs - sinceMs;
}

/** The same claims, which stand differently now: everybody is told. */
function sayAnew(turn: Turn, claims: MembershipState['claims']): void {
  const { placement, balancedMs } = turn.state;
  changeClaims(turn, claims);
  change(turn, { placement, balancedMs });
}

function update(turn: Turn, changes: Partial<Company>): void {
  change(turn, { company: { ...turn.state.company, ...changes } });
}
