// SPDX-License-Identifier: Apache-2.0
/** What time alone brings about: members that die, listening that ends, orphans to take, lists and heartbeats to send. */
import { beatOf, isSameBeat, listsOf } from './body.ts';
import { handOver, rebalance } from './hand-over.ts';
import { deadAtMs, isDeaf, type Member } from './member.ts';
import { place } from './place.ts';
import { listSpacingMs } from './state.ts';
import { act, change, lose, report, type Turn } from './turn.ts';

/** A tick that comes later than this many intervals declares nobody dead, and neither do those of the next half interval. */
const LATE_INTERVALS = 3;

export function tick(turn: Turn): void {
  const previousMs = turn.state.tickedMs;
  change(turn, { tickedMs: turn.nowMs });
  act(turn, { type: 'renew', untilMs: turn.nowMs + turn.state.timing.processFenceMs });
  const { intervalMs } = turn.state.timing;
  if (turn.nowMs - previousMs > LATE_INTERVALS * intervalMs)
    change(turn, { graceUntilMs: turn.nowMs + intervalMs / 2 });
  if (turn.nowMs >= turn.state.graceUntilMs) buryDead(turn);
  reportOneWay(turn, previousMs);
  lookAround(turn);
  endListening(turn);
  work(turn);
  announceAgain(turn);
  sendLists(turn);
  updateBeat(turn);
  endLeaving(turn);
}

function buryDead(turn: Turn): void {
  for (const member of turn.state.members) if (deadAtMs(member) <= turn.nowMs) lose(turn, member, 'silent');
}

function reportOneWay(turn: Turn, previousMs: number): void {
  const { oneWayAfterMs } = turn.state.timing;
  for (const member of turn.state.members) {
    if (!isDeaf(member, oneWayAfterMs, turn.nowMs) || isDeaf(member, oneWayAfterMs, previousMs)) continue;
    report(turn, { kind: 'one-way', node: member.node, state: 'began' });
    change(turn, { placement: 'due' });
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
  const { phase, phaseSinceMs, blockedUntilMs, timing, link, members } = turn.state;
  if (phase !== 'listening' || link === 'down' || blockedUntilMs > turn.nowMs) return;
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
  if (state.link === 'down' || (!isRefresh && !isDue && state.lists !== 'urgent')) return;
  act(turn, { type: 'send', bodies: listsOf(state) });
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
  const { phase, phaseSinceMs, claims, handOvers, timing } = turn.state;
  if (phase !== 'leaving') return;
  const isTimeUp = turn.nowMs - phaseSinceMs >= timing.leaveAtMostMs;
  const isDone = claims.size === 0 || handOvers.size === 0;
  if (!isTimeUp && !isDone) return;
  act(turn, { type: 'stop-all', cause: 'left' });
  change(turn, { phase: 'gone', claims: new Map(), handOvers: new Map(), claimsVersion: turn.state.claimsVersion + 1 });
  const body = beatOf(turn.state, turn.nowMs);
  change(turn, { beat: body });
  act(turn, { type: 'send', bodies: [body] });
  act(turn, { type: 'beat', body });
  act(turn, { type: 'left' });
}
