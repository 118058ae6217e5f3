// SPDX-License-Identifier: Apache-2.0
/** What a node does with a verified frame: who sent it, what it claims, what it asks for. */
import type { Heartbeat } from '../wire/heartbeat.ts';
import { beatOf } from './body.ts';
import { hearLists } from './hear-lists.ts';
import { identityProblem } from './identity.ts';
import type { Member } from './member.ts';
import { act, change, lose, report, retire, type Turn } from './turn.ts';

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
  put(turn, member);
  if (known === undefined) greet(turn, member);
  // What it may own, and what may be given to it, depends on both.
  if (known?.phase !== member.phase || known.fitness !== member.fitness)
    change(turn, { placement: 'due', changedMs: turn.nowMs });
  hearLists(turn, member, heartbeat);
  hearVouches(turn, heartbeat);
  hearWishes(turn, heartbeat);
  hearOffers(turn, heartbeat);
}

/** Puts the new facts about a member in the place of the old ones. */
export function put(turn: Turn, member: Member): void {
  const { members } = turn.state;
  const index = members.findIndex((one) => one.bootId === member.bootId);
  change(turn, { members: index < 0 ? [...members, member] : members.with(index, member) });
}

function hearGoodbye(turn: Turn, heartbeat: Heartbeat): void {
  const known = turn.state.members.find((member) => member.bootId === heartbeat.bootId);
  if (known) lose(turn, { ...known, counter: heartbeat.counter }, 'gone');
  else retire(turn, heartbeat);
}

/** Whoever appears is told at once what this node owns, so that double owners meet within one heartbeat. */
function greet(turn: Turn, member: Member): void {
  if (turn.state.lists === 'sent') change(turn, { lists: 'due' });
  // At work already: the segment was split. The loser stops before its own claim is heard here, so this is the only sign.
  if (member.phase !== 'listening') change(turn, { announce: 'due' });
  report(turn, { kind: 'member-heard', node: member.node, bootId: member.bootId });
}

function newMember(turn: Turn, heartbeat: Heartbeat): Member {
  const { bootId, node, port, mac, phase, fitness, counter, intervalMs, deadAfterMs, newestKeyId } = heartbeat;
  return {
    ...{ bootId, node, port, mac, phase, fitness, counter, intervalMs, deadAfterMs, newestKeyId },
    sinceMs: turn.nowMs,
    heardMs: turn.nowMs,
    vouched: undefined,
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
    put(turn, { ...member, vouched: { counter, atMs: turn.nowMs - ageMs } });
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
  for (const { vip, term } of mine) invitations.set(String(vip), { vip, term, atMs: turn.nowMs });
  change(turn, { invitations, placement: 'due' });
}
