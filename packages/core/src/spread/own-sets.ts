// SPDX-License-Identifier: Apache-2.0
/**
 * The sets of the VIPs that this node owns. A change is pending first: all members mark its rows, read which flows they
 * have, and tell those that the new rows do not find. It is committed when all have told and heard, or after a second.
 * A dead node is taken out at once.
 */
import { composeSet, RELIEVED_FOR_MS } from './compose-set.ts';
import type { SpreadVip } from './spread-event.ts';
import { isSameMembers, isSameServing, type SetMember, type SpreadSet } from './spread-set.ts';
import type { OwnSet, SpreadPeer, SpreadState } from './spread-state.ts';
import { change, due, type SpreadTurn, tableChanged } from './spread-turn.ts';
import { takesPart } from './takes-part.ts';
import { adoptSilent, kernelOf, lostNodes } from './unheard-nodes.ts';

/** A change is committed after so long whoever has not told, in milliseconds. */
export const COMMIT_AFTER_MS = 1_000;
/** Members that only come are waited for together, in milliseconds. */
const GATHER_MS = 1_000;
/** Time between two changes of a set, in milliseconds. */
const APART_MS = 100;
/** What an owner told is still worth to begin with for so long after it was last heard, in milliseconds. */
const INHERITED_FOR_MS = 10_000;

/** Follows who owns what and who can serve; called after every event. */
export function followOwned(turn: SpreadTurn): void {
  const { state } = turn;
  const owned = new Map<string, OwnSet>();
  for (const [vip, about] of state.vips)
    if (about.owner === state.self.bootId) owned.set(vip, state.owned.get(vip) ?? inherited(turn, vip, about));
  keepGivenUp(turn, owned);
  turn.owned = owned;
  change(turn, { owned, known: new Map([...turn.state.known].filter(([vip]) => !owned.has(vip))) });
  for (const [vip, { set }] of owned) if (!state.owned.has(vip)) adoptSilent(turn, set.committed);
  const facts = factsOf(turn);
  for (const [vip, own] of owned) {
    const about = state.vips.get(vip);
    // With thousands of VIPs nothing is other than at the last look, many times a second.
    if (own.right?.facts === facts && own.right.about === about) continue;
    follow(turn, vip, own);
    const after = turn.state.owned.get(vip);
    const isCalm = after !== undefined && turn.nowMs - after.committedMs >= RELIEVED_FOR_MS;
    const isRight = after?.set === own.set && after.set.pending === undefined && after.wishedSinceMs === undefined;
    if (after && about && isRight && isCalm) keep(turn, vip, { ...after, right: { facts, about } });
  }
}

/** All that decides which members are right, beside the VIP and its set. */
function factsOf({ state, nowMs }: SpreadTurn): string {
  const peers = [...state.peers.values()].map(
    (peer) => `${peer.bootId} ${peer.serves.version} ${takesPart(peer, nowMs)}`,
  );
  const lost = lostNodes(state).map((one) => `${one.id} ${kernelOf(one)}`);
  return [state.phase, ...state.away.keys(), ...peers, ...lost].join();
}

/** A new owner begins with the set of the one before, so that what comes to it goes on as before. */
function inherited({ state, nowMs }: SpreadTurn, vip: string, about: SpreadVip): OwnSet {
  const told = state.known.get(vip);
  const before = told && nowMs - told.freshMs < INHERITED_FOR_MS ? told.set : undefined;
  const alone: readonly SetMember[] = [
    { id: state.self.id, mac: state.self.mac, state: 'serving', weight: Math.max(1, about.weight) },
  ];
  const set: SpreadSet = {
    version: 0,
    by: before?.by ?? about.by,
    committed: before?.committed ?? alone,
    pending: undefined,
    pendingBy: undefined,
  };
  return {
    set,
    pendingSinceMs: nowMs,
    pendingVersion: 0,
    wishedSinceMs: undefined,
    committedMs: Number.NEGATIVE_INFINITY,
    right: undefined,
  };
}

/** Who gave a VIP up goes on by the set that it had, until the next owner tells one. */
function keepGivenUp(turn: SpreadTurn, owned: ReadonlyMap<string, OwnSet>): void {
  const { state, nowMs } = turn;
  const isSame = owned.size === state.owned.size && [...owned].every(([vip, own]) => state.owned.get(vip) === own);
  if (isSame) return;
  const known = new Map(state.known);
  for (const [vip, { set }] of state.owned) {
    const from = known.get(vip)?.from;
    const isSaid = from !== undefined && from === state.vips.get(vip)?.owner;
    if (!owned.has(vip) && !isSaid) known.set(vip, { set, from: state.self.bootId, freshMs: nowMs });
  }
  change(turn, { known });
  newVersion(turn);
}

function follow(turn: SpreadTurn, vip: string, own: OwnSet): void {
  const about = turn.state.vips.get(vip);
  if (about === undefined) return;
  const kept = withoutLost(turn, about, own);
  if (kept !== own) put(turn, vip, kept);
  if (kept.set.pending) settle(turn, vip, kept);
  else wish(turn, about, kept);
}

/**
 * Members that are neither heard nor away are taken out of both lists at once: what they served is gone. Where every
 * node serves, their kernels are asked first.
 */
function withoutLost({ state, nowMs }: SpreadTurn, about: SpreadVip, own: OwnSet): OwnSet {
  const asked = about.serve === 'every-node' ? lostNodes(state) : [];
  const here = new Set([state.self.id, ...state.away.keys(), ...asked.map(({ id }) => id)]);
  for (const peer of state.peers.values()) if (takesPart(peer, nowMs)) here.add(peer.id);
  const { committed, pending } = own.set;
  const isLost = ({ id }: SetMember) => !here.has(id);
  if (!committed.some(isLost) && !pending?.some(isLost)) return own;
  const left = (members: readonly SetMember[]) =>
    orSelf(
      state,
      members.filter((one) => !isLost(one)),
    );
  return { ...own, set: { ...own.set, committed: left(committed), pending: pending && left(pending) } };
}

function orSelf({ self }: SpreadState, members: readonly SetMember[]): readonly SetMember[] {
  if (members.some(({ state }) => state === 'serving')) return members;
  const others = members.filter(({ id }) => id !== self.id);
  const alone: SetMember = { id: self.id, mac: self.mac, state: 'serving', weight: 1 };
  return [...others, alone].sort((a, b) => a.id - b.id);
}

/** Begins a change where another set would be right. */
function wish(turn: SpreadTurn, about: SpreadVip, own: OwnSet): void {
  const { state, nowMs } = turn;
  const vip = String(about.vip);
  const { committed, by } = own.set;
  const wished = composeSet(state, about, own, nowMs);
  const isServingSame = by === about.by && isSameServing(wished, committed);
  if (isServingSame && isSameMembers(wished, committed)) {
    if (own.wishedSinceMs !== undefined) keep(turn, vip, { ...own, wishedSinceMs: undefined });
    return;
  }
  // Rows stay as they are, so that nothing has to be told before.
  if (isServingSame) {
    put(turn, vip, { ...own, set: { ...own.set, committed: wished }, wishedSinceMs: undefined });
    return;
  }
  const wishedSinceMs = own.wishedSinceMs ?? nowMs;
  if (nowMs < earliestMs(own, wished, wishedSinceMs)) {
    keep(turn, vip, { ...own, wishedSinceMs });
    return;
  }
  const set = { ...own.set, pending: wished, pendingBy: about.by };
  put(turn, vip, {
    ...own,
    set,
    pendingSinceMs: nowMs,
    pendingVersion: turn.versionBefore + 1,
    wishedSinceMs: undefined,
  });
}

function earliestMs({ set, committedMs }: OwnSet, wished: readonly SetMember[], sinceMs: number): number {
  const stays = set.committed.filter(({ state }) => state === 'serving');
  const isJoin = stays.every(({ id }) => wished.some((one) => one.id === id && one.state === 'serving'));
  return Math.max(sinceMs + (isJoin ? GATHER_MS : 0), committedMs + APART_MS);
}

/** Commits a change that all know of, or that has waited long enough. */
function settle(turn: SpreadTurn, vip: string, own: OwnSet): void {
  const { nowMs } = turn;
  const { pending, pendingBy } = own.set;
  const isTold = pending !== undefined && haveAllTold(turn.state, own);
  if (pending === undefined || (!isTold && nowMs - own.pendingSinceMs < COMMIT_AFTER_MS)) return;
  const set = { ...own.set, by: pendingBy ?? own.set.by, committed: pending, pending: undefined, pendingBy: undefined };
  put(turn, vip, { ...own, set, committedMs: nowMs });
  change(turn, { readAtMs: nowMs, commitMs: nowMs });
  const about = turn.state.vips.get(vip);
  const how = isTold ? 'all-told' : 'time-out';
  if (about) turn.actions.push({ type: 'committed', vip: about.vip, tookMs: nowMs - own.pendingSinceMs, how });
}

/** Whether each member has told its flows for this change, and each has what all others told. */
function haveAllTold(state: SpreadState, { set, pendingVersion }: OwnSet): boolean {
  const ids = new Set([...set.committed, ...(set.pending ?? [])].map(({ id }) => id));
  const peers = [...state.peers.values()].filter(({ id }) => ids.has(id));
  const { self, told, straysVersion } = state;
  const hasTold = (peer: SpreadPeer) => (peer.has.get(self.bootId)?.told ?? 0) >= pendingVersion;
  const hasOurs = (peer: SpreadPeer) => (peer.has.get(self.bootId)?.strays ?? 0) >= straysVersion;
  const isHere = (peer: SpreadPeer) => (peer.strays.version ?? 0) >= peer.straysSaid;
  const knows = (peer: SpreadPeer, other: SpreadPeer) =>
    peer === other || (peer.has.get(other.bootId)?.strays ?? 0) >= other.straysSaid;
  return (
    (told.get(self.bootId) ?? 0) >= pendingVersion &&
    peers.every((peer) => hasTold(peer) && hasOurs(peer) && isHere(peer)) &&
    peers.every((peer) => peers.every((other) => knows(peer, other)))
  );
}

// With thousands of VIPs a copy for each would take seconds.
function keep(turn: SpreadTurn, vip: string, own: OwnSet): void {
  turn.owned ??= new Map(turn.state.owned);
  turn.owned.set(vip, own);
  if (turn.state.owned !== turn.owned) change(turn, { owned: turn.owned });
}

/** Puts a set into force here, under a new version of the list. */
function put(turn: SpreadTurn, vip: string, own: OwnSet): void {
  newVersion(turn);
  keep(turn, vip, { ...own, right: undefined, set: { ...own.set, version: turn.state.setsVersion } });
}

// All changes of one step go out in one list.
function newVersion(turn: SpreadTurn): void {
  change(turn, { setsVersion: turn.versionBefore + 1 });
  due(turn, 'lists', 'digest');
  tableChanged(turn);
}
