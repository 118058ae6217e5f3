// SPDX-License-Identifier: Apache-2.0
/** What a node does with a verified frame: who sent it, what it claims, what it asks for. */
import type { Heartbeat } from '../wire/heartbeat.ts';
import { mayBeUneven } from './balance.ts';
import { beatOf } from './body.ts';
import { forgetDemands } from './demand.ts';
import { contestKnown, hearLists } from './hear-lists.ts';
import { identityProblem } from './identity.ts';
import { isUnheard, type Member } from './member.ts';
import type { OwnClaim } from './state.ts';
import { act, change, giveUp, lose, noteUnasked, putMember, report, retire, stopAnswering, type Turn } from './turn.ts';

/** Questions of one member that are remembered. */
const MAX_SUSPICIONS = 32;

/** Takes in one frame, or drops it with its reason. */
export function hear(turn: Turn, heartbeat: Heartbeat): void {
  const reason = identityProblem(turn, heartbeat);
  if (reason) act(turn, { type: 'drop', reason });
  else if (heartbeat.phase === 'gone') hearGoodbye(turn, heartbeat);
  else hearMember(turn, heartbeat);
}

function hearMember(turn: Turn, heartbeat: Heartbeat): void {
  const known = turn.state.members.find((member) => member.bootId === heartbeat.bootId);
  const member = refreshed(turn, known ?? newMember(turn, heartbeat), heartbeat);
  putMember(turn, member);
  if (known === undefined) greet(turn, member);
  // What it may own, and what may be given to it, depends on both.
  const isSame =
    known?.phase === member.phase && known.fitness === member.fitness && known.isUnsteady === member.isUnsteady;
  if (!isSame) change(turn, { placement: 'due', changedMs: turn.nowMs });
  if (known?.keepsConnections !== member.keepsConnections) mayBeUneven(turn);
  if (known) noticeReturn(turn, known, member);
  hearLists(turn, member, heartbeat);
  hearVouches(turn, heartbeat);
  hearWishes(turn, heartbeat);
  hearOffers(turn, heartbeat);
}

/** It was silent, or could not hear, and is back: what it claims is to be told apart from what was taken meanwhile. */
function noticeReturn(turn: Turn, known: Member, member: Member): void {
  if (known.answeringSinceMs !== undefined) report(turn, { kind: 'owner-answers', node: member.node, state: 'ended' });
  if (isUnheard(known, turn.nowMs)) forgetDemands(turn);
  if (known.darkSinceMs === undefined || member.darkSinceMs !== undefined) return;
  greetLists(turn);
  change(turn, { placement: 'due', announce: 'due' });
  contestKnown(turn, member);
}

function greetLists(turn: Turn): void {
  if (turn.state.lists === 'sent') change(turn, { lists: 'due' });
}

function hearGoodbye(turn: Turn, heartbeat: Heartbeat): void {
  const known = turn.state.members.find((member) => member.bootId === heartbeat.bootId);
  if (known) lose(turn, { ...known, counter: heartbeat.counter }, 'gone');
  else retire(turn, heartbeat);
}

/** Whoever appears is told at once what this node owns, so that double owners meet within one heartbeat. */
function greet(turn: Turn, member: Member): void {
  noteUnasked(turn, member.node, 'heard');
  forgetDemands(turn);
  // One that was cut off itself knows no better: their lists decide.
  if (member.phase === 'active' && member.claimCount > 0 && !member.isCutOff) dropProvisional(turn);
  greetLists(turn);
  // At work already: the segment was split. The loser stops before its own claim is heard here, so this is the only
  // sign.
  if (member.phase !== 'listening') change(turn, { announce: 'due' });
  report(turn, { kind: 'member-heard', node: member.node, bootId: member.bootId });
}

/**
 * What was claimed without a witness, while this node was cut off, yields to whatever the others own. It is given up
 * with their first frame: until their lists are here clients would have two answers. What nobody owns by these lists is
 * taken again.
 */
function dropProvisional(turn: Turn): void {
  const { claims, company } = turn.state;
  // Not what an unsteady node took in company since: that is weak as well.
  const untilMs = company.cutOffSinceMs === undefined ? company.cutOffEndedMs : turn.nowMs;
  const isProvisional = ({ isWeak, sinceMs }: OwnClaim) =>
    isWeak === true && sinceMs >= company.cutOffBeganMs && sinceMs <= untilMs;
  const keys = [...claims].filter(([, one]) => isProvisional(one)).map(([key]) => key);
  if (keys.length === 0) return;
  for (const key of keys) stopAnswering(turn, key, 'better-claim');
  giveUp(turn, keys);
}

function newMember(turn: Turn, heartbeat: Heartbeat): Member {
  const { bootId, node, port, mac, phase, fitness, counter, intervalMs, deadAfterMs, newestKeyId } = heartbeat;
  return {
    ...{ bootId, node, port, mac, phase, fitness, counter, intervalMs, deadAfterMs, newestKeyId },
    sinceMs: turn.nowMs,
    heardMs: turn.nowMs,
    vouched: undefined,
    ...{ answeredMs: undefined, answeringSinceMs: undefined, trial: undefined, asked: 0, darkSinceMs: undefined },
    isCutOff: heartbeat.isCutOff === true,
    isUnsteady: heartbeat.isUnsteady === true,
    keepsConnections: heartbeat.keepsConnections === true,
    claims: new Map(),
    claimCount: heartbeat.claimCount,
    claimsVersion: undefined,
    claimsSaid: heartbeat.claimsVersion,
    claimsAssembly: undefined,
    view: undefined,
    viewVersion: undefined,
    viewSaid: heartbeat.viewVersion,
    viewAssembly: undefined,
    deafSinceMs: undefined,
    suspects: [],
  };
}

function refreshed(turn: Turn, member: Member, heartbeat: Heartbeat): Member {
  const { port, mac, phase, fitness, counter, intervalMs, deadAfterMs, newestKeyId, claimCount } = heartbeat;
  return {
    ...member,
    ...{ port, mac, phase, fitness, counter, intervalMs, deadAfterMs, newestKeyId, claimCount },
    heardMs: turn.nowMs,
    isCutOff: heartbeat.isCutOff === true,
    isUnsteady: heartbeat.isUnsteady === true,
    keepsConnections: heartbeat.keepsConnections === true,
    answeringSinceMs: undefined,
    // While it hears nobody, what it is asked matters more than what it says.
    trial: heartbeat.isCutOff ? member.trial : undefined,
    darkSinceMs: heartbeat.isCutOff ? member.darkSinceMs : undefined,
    claimsSaid: heartbeat.claimsVersion,
    viewSaid: heartbeat.viewVersion,
    suspects: suspicions(turn, member, heartbeat),
  };
}

function suspicions(turn: Turn, member: Member, heartbeat: Heartbeat): Member['suspects'] {
  const asked = heartbeat.suspects ?? [];
  if (asked.length === 0 && member.suspects.length === 0) return member.suspects;
  const names = new Set(asked.map((one) => one.bootId));
  const fresh = asked.map((one) => ({ ...one, atMs: turn.nowMs }));
  const isOpen = (one: Member['suspects'][number]) =>
    !names.has(one.bootId) && turn.nowMs - one.atMs < member.deadAfterMs;
  return [...fresh, ...member.suspects.filter(isOpen)].slice(0, MAX_SUSPICIONS);
}

/** Others heard newer frames of a member than this node did: it is alive, only the way to here is bad. */
function hearVouches(turn: Turn, heartbeat: Heartbeat): void {
  for (const { bootId, counter, ageMs } of heartbeat.vouches ?? []) {
    const member = turn.state.members.find((one) => one.bootId === bootId);
    if (!member || counter <= Math.max(member.counter, member.vouched?.counter ?? 0)) continue;
    putMember(turn, { ...member, vouched: { counter, atMs: turn.nowMs - ageMs } });
  }
}

function hearWishes(turn: Turn, heartbeat: Heartbeat): void {
  const { state, nowMs } = turn;
  const own = state.self.bootId;
  if (heartbeat.wants?.includes(own) && state.lists === 'sent') change(turn, { lists: 'due' });
  const isSuspected = heartbeat.suspects?.some((one) => one.bootId === own) === true;
  if (!isSuspected || nowMs - state.hurriedMs < state.timing.intervalMs / 2) return;
  act(turn, { type: 'send', bodies: [beatOf(turn.state, nowMs)] });
  change(turn, { hurriedMs: nowMs });
}

function hearOffers(turn: Turn, heartbeat: Heartbeat): void {
  const mine = heartbeat.offers?.filter((offer) => offer.to === turn.state.self.bootId) ?? [];
  if (mine.length === 0) return;
  const invitations = new Map(turn.state.invitations);
  for (const { vip, term } of mine)
    invitations.set(String(vip), { vip, term, atMs: turn.nowMs, from: heartbeat.bootId });
  change(turn, { invitations, placement: 'due' });
}
