// SPDX-License-Identifier: Apache-2.0
/**
 * What time alone brings about: members that die, listening that ends, orphans to take, lists and heartbeats to send.
 */
import type { VipCandidate } from '../placement/candidate.ts';
import { rebalance } from './balance.ts';
import { beatOf, isSameBeat, listsOf } from './body.ts';
import { lookAtCompany } from './cut-off.ts';
import { handOver } from './hand-over.ts';
import { contestKnown } from './hear-lists.ts';
import { isDeaf, type Member } from './member.ts';
import { place } from './place.ts';
import { askOwners, buryDead } from './silent-member.ts';
import { listSpacingMs } from './state.ts';
import { act, change, report, type Turn } from './turn.ts';
import { askWitnesses } from './witness.ts';

/**
 * A tick that comes later than this many intervals declares nobody dead, and neither do those of the next half
 * interval.
 */
const LATE_INTERVALS = 3;

export function tick(turn: Turn): void {
  const previousMs = turn.state.tickedMs;
  change(turn, { tickedMs: turn.nowMs });
  const { intervalMs } = turn.state.timing;
  if (turn.nowMs - previousMs > LATE_INTERVALS * intervalMs)
    change(turn, { graceUntilMs: turn.nowMs + intervalMs / 2 });
  const isPunctual = turn.nowMs >= turn.state.graceUntilMs;
  if (isPunctual) askOwners(turn);
  if (isPunctual) buryDead(turn);
  askWitnesses(turn);
  lookAtCompany(turn);
  reportOneWay(turn, previousMs);
  lookAround(turn);
  endListening(turn);
  work(turn);
  announceAgain(turn);
  sendLists(turn);
  updateBeat(turn);
  endLeaving(turn);
}

function reportOneWay(turn: Turn, previousMs: number): void {
  const { oneWayAfterMs } = turn.state.timing;
  for (const member of turn.state.members) {
    if (!isDeaf(member, oneWayAfterMs, turn.nowMs) || isDeaf(member, oneWayAfterMs, previousMs)) continue;
    report(turn, { kind: 'one-way', node: member.node, state: 'began' });
    change(turn, { placement: 'due' });
    // It will never yield.
    contestKnown(turn, member);
  }
}

/** Notes whom this node hears with its own ears. */
function lookAround(turn: Turn): void {
  const { members, view, viewVersion, lists } = turn.state;
  const heard = members.filter((one) => turn.nowMs - one.heardMs < one.deadAfterMs).map((one) => one.bootId);
  if (heard.length === view.length && heard.every((bootId, index) => bootId === view[index])) return;
  change(turn, { view: heard, viewVersion: viewVersion + 1, lists: lists === 'urgent' ? lists : 'due' });
}

function endListening(turn: Turn): void {
  const { phase, phaseSinceMs, blockedUntilMs, timing, members } = turn.state;
  if (phase !== 'listening' || blockedUntilMs > turn.nowMs) return;
  const listenedMs = turn.nowMs - phaseSinceMs;
  if (listenedMs < timing.listenMs) return;
  // The first list of each: later ones come as they change, and on a crowded segment some list is always on its way.
  const isUnknown = members.some((member) => member.claimsVersion === undefined);
  if (isUnknown && listenedMs < timing.listenAtMostMs) return;
  change(turn, { phase: 'active', phaseSinceMs: turn.nowMs, placement: 'due', lists: 'urgent' });
  report(turn, { kind: 'phase', phase: 'active' });
}

function work(turn: Turn): void {
  const { phase, placement, orphans } = turn.state;
  if (phase !== 'active' && phase !== 'leaving') return;
  const isDue = placement === 'due' || orphans.size > 0;
  if (isDue) place(turn);
  if (isDue || turn.state.handOvers.size > 0) handOver(turn);
  rebalance(turn);
}

/** Not before the claims of who came back are known: of two owners only the one that stays may announce. */
function announceAgain(turn: Turn): void {
  const { announce, members, timing } = turn.state;
  const isUnknown = (one: Member) => one.claimsVersion === undefined && turn.nowMs - one.sinceMs < timing.patienceMs;
  if (announce === 'done' || members.some(isUnknown)) return;
  change(turn, { announce: 'done' });
  // What was taken just now is announced anyway.
  for (const { vip, sinceMs } of turn.state.claims.values())
    if (sinceMs < turn.nowMs) act(turn, { type: 'announce', vip });
}

function sendLists(turn: Turn): void {
  const { state, nowMs } = turn;
  const isRefresh = nowMs - state.listedMs >= state.timing.refreshMs;
  const isDue = state.lists === 'due' && nowMs - state.listedMs >= listSpacingMs(state);
  if (!isRefresh && !isDue && state.lists !== 'urgent') return;
  act(turn, { type: 'send', bodies: listsOf(state, nowMs) });
  change(turn, { lists: 'sent', listedMs: nowMs });
}

function updateBeat(turn: Turn): void {
  const body = beatOf(turn.state, turn.nowMs);
  if (isSameBeat(turn.state.beat, body)) return;
  change(turn, { beat: body });
  act(turn, { type: 'beat', body });
}

/** All that could be handed over is, or time is up: says goodbye, so that peers take the rest at once. */
function endLeaving(turn: Turn): void {
  const { phase, claims } = turn.state;
  if (phase !== 'leaving') return;
  if (claims.size > 0 && (isHandingOver(turn) || awaitsTaker(turn))) return;
  act(turn, { type: 'stop-all', cause: 'left' });
  change(turn, { phase: 'gone', claims: new Map(), handOvers: new Map(), claimsVersion: turn.state.claimsVersion + 1 });
  const body = beatOf(turn.state, turn.nowMs);
  change(turn, { beat: body });
  act(turn, { type: 'send', bodies: [body] });
  act(turn, { type: 'beat', body });
  act(turn, { type: 'left' });
}

function isHandingOver({ state, nowMs }: Turn): boolean {
  return [...state.handOvers.values()].some(({ begunMs }) => nowMs - begunMs < state.timing.leaveAtMostMs);
}

/**
 * Whether a node that may own what is left is not at work yet but may soon be: its speaker starts anew, as in a rolling
 * update, or only listens so far. Who is not ready, or leaves too, is not waited for.
 */
function awaitsTaker({ state, nowMs }: Turn): boolean {
  const { claims, desired, members, self, phaseSinceMs, timing } = state;
  if (nowMs - phaseSinceMs >= timing.awaitTakerMs) return false;
  const phases = new Map(members.map((one) => [one.node, one.phase]));
  const mayCome = ({ node, standing }: VipCandidate) =>
    node !== self.node && standing === 'eligible' && (phases.get(node) ?? 'listening') === 'listening';
  return [...claims.keys()].some((key) => desired.get(key)?.candidates.some(mayCome));
}
