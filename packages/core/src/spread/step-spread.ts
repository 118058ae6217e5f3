// SPDX-License-Identifier: Apache-2.0
/** State machine of who serves on one segment: a pure function of state, event and monotonic time in milliseconds. */
import { adoptAway, followSets, hearSpread, newPeer } from './hear-spread.ts';
import { listsInForce } from './lists-in-force.ts';
import { followOwned } from './own-sets.ts';
import { heldVips, updateStrays } from './own-strays.ts';
import { servesOf } from './say-spread.ts';
import { say } from './say-turn.ts';
import type { OwnFlows, SpreadAction, SpreadEvent, SpreadFellow, SpreadVip } from './spread-event.ts';
import {
  type AwayNode,
  NOT_ASKED,
  type OwnSet,
  READ_AFTER_COMMIT_MS,
  type SpreadPeer,
  type SpreadState,
  setInForce,
} from './spread-state.ts';
import { change, due, type SpreadTurn, tableChanged } from './spread-turn.ts';
import { takesPart } from './takes-part.ts';
import { askAway, askUnheard, forgiveStandstill, loseSpeaker, noteAnswer, noteLate } from './unheard-nodes.ts';

/** Connection tracking is read again after so long while there are strays, and after a failure, in milliseconds. */
const READ_EVERY_MS = 10_000;
/** And after so many times as long as the last reading took, within bounds: a node may have millions of entries. */
const READ_REST = 50;
const READ_EVERY_AT_MOST_MS = 300_000;
/** After a reading that failed none is tried for so long, whatever is pending, in milliseconds. */
const READ_FAILED_MS = 1_000;
/** Connection tracking is read once all members mark what changes, or after so long, in milliseconds. */
const MARKED_AFTER_MS = 300;
/** A speaker that ended in order is expected back for so long, in milliseconds. */
const AWAY_FOR_MS = 600_000;

export interface SpreadStepped {
  readonly state: SpreadState;
  readonly actions: readonly SpreadAction[];
}

/** What follows from an event. `table` comes before `send`: what is said to be in force is. */
export function stepSpread(before: SpreadState, event: SpreadEvent, nowMs: number): SpreadStepped {
  const turn: SpreadTurn = { state: before, nowMs, actions: [], versionBefore: before.setsVersion };
  handle(turn, event);
  if (turn.state.phase !== 'starting') {
    followOwned(turn);
    tellFlows(turn);
    say(turn);
  }
  readFlows(turn);
  return { state: turn.state, actions: turn.actions };
}

function handle(turn: SpreadTurn, event: SpreadEvent): void {
  switch (event.type) {
    case 'tick':
      forgiveStandstill(turn);
      dropOld(turn);
      askUnheard(turn);
      askAway(turn);
      break;
    case 'late':
      noteLate(turn, event.bootIds);
      askUnheard(turn);
      break;
    case 'node-answers':
      noteAnswer(turn, event.id);
      break;
    case 'fellows':
      meet(turn, event.fellows);
      askUnheard(turn);
      break;
    case 'left':
      sendAway(turn, event.bootId);
      break;
    case 'vips':
      wantVips(turn, event.vips);
      break;
    case 'heard':
      hearSpread(turn, event.from, event.sections);
      break;
    case 'flows':
      takeFlows(turn, event.flows);
      break;
    case 'no-flows':
      change(turn, { reading: undefined, readFailedMs: turn.nowMs, readAtMs: turn.nowMs + READ_EVERY_MS });
      break;
    case 'leave':
      if (turn.state.phase !== 'taking-part') break;
      change(turn, { phase: 'leaving' });
      noteServes(turn);
      break;
  }
}

/** Sets that nobody repeats, and speakers that did not come back. */
function dropOld(turn: SpreadTurn): void {
  const { state, nowMs } = turn;
  const known = new Map([...state.known].filter(([vip]) => state.vips.has(vip)));
  const isInForce = (vip: string, atMs: number) => setInForce(state, vip, atMs) !== undefined;
  const lapsed = [...known.keys()].some((vip) => isInForce(vip, state.tickedMs) && !isInForce(vip, nowMs));
  const isExpected = ({ id, sinceMs }: AwayNode) => nowMs - sinceMs < AWAY_FOR_MS && !isBack(state, id);
  const away = new Map([...state.away].filter(([, one]) => isExpected(one)));
  const isSame = away.size === state.away.size;
  change(turn, { known, away, tickedMs: nowMs });
  if (lapsed || !isSame) tableChanged(turn);
}

/** Ticks come at least this often, in milliseconds. */
export const TICK_MS = 50;

// It must have said what it has of each VIP for which it is still counted on.
function isBack({ peers, owned }: SpreadState, id: number): boolean {
  const isMember = ({ set }: OwnSet) => set.committed.some((one) => one.id === id);
  const vips = [...owned].flatMap(([vip, own]) => (isMember(own) ? [vip] : []));
  return [...peers.values()].some(
    ({ id: own, strays, serves }) =>
      own === id && strays.version !== undefined && vips.every((vip) => serves.known.has(vip)),
  );
}

function meet(turn: SpreadTurn, fellows: readonly SpreadFellow[]): void {
  const { peers: before } = turn.state;
  const peers = new Map(
    fellows.map((fellow): [string, SpreadPeer] => [fellow.bootId, before.get(fellow.bootId) ?? newPeer(fellow)]),
  );
  change(turn, { peers });
  for (const [bootId, peer] of before) if (!peers.has(bootId)) loseSpeaker(turn, peer);
  if (peers.size !== before.size || [...peers.keys()].some((bootId) => !before.has(bootId))) tableChanged(turn);
}

function sendAway(turn: SpreadTurn, bootId: string): void {
  const { state, nowMs } = turn;
  const peer = state.peers.get(bootId);
  if (peer === undefined) return;
  const peers = new Map(state.peers);
  peers.delete(bootId);
  const { id, node, mac } = peer;
  const strays = peer.strays.known.get(id) ?? new BigUint64Array();
  const isMember = peer.heardMs !== undefined;
  const gone: AwayNode = { id, node, mac, strays, sinceMs: nowMs, ...NOT_ASKED };
  const away = isMember ? new Map(state.away).set(id, gone) : state.away;
  const unheard = new Map([...state.unheard].filter(([one]) => one !== id));
  change(turn, { peers, away, unheard });
  tableChanged(turn);
}

function wantVips(turn: SpreadTurn, wanted: readonly SpreadVip[]): void {
  change(turn, { vips: new Map(wanted.map((one) => [String(one.vip), one])) });
  for (const peer of turn.state.peers.values()) {
    followSets(turn, peer);
    adoptAway(turn, peer);
  }
  due(turn, 'digest');
  tableChanged(turn);
  noteServes(turn);
}

function noteServes(turn: SpreadTurn): void {
  const servesSaid = servesOf(turn.state)
    .map(({ vip, weight, holds }) => `${vip} ${weight} ${holds}`)
    .join();
  if (servesSaid === turn.state.servesSaid) return;
  change(turn, { servesSaid, servesVersion: turn.state.servesVersion + 1 });
  due(turn, 'lists');
}

function takeFlows(turn: SpreadTurn, flows: OwnFlows): void {
  const { reading, told: before, phase } = turn.state;
  const told = new Map([...before, ...(reading?.covers ?? [])]);
  change(turn, { flows, flowsMs: reading?.sinceMs ?? turn.nowMs, told, reading: undefined, readAtMs: undefined });
  if (phase === 'starting') change(turn, { phase: 'taking-part' });
  updateStrays(turn);
  change(turn, { readAtMs: nextReadMs(turn, reading ? turn.nowMs - reading.sinceMs : 0) });
  noteServes(turn);
  due(turn, 'digest');
}

function nextReadMs({ state, nowMs }: SpreadTurn, tookMs: number): number | undefined {
  if (state.flowsMs < state.commitMs) return nowMs;
  const onceMoreMs = state.commitMs + READ_AFTER_COMMIT_MS;
  if (nowMs < onceMoreMs) return onceMoreMs;
  const restMs = Math.min(Math.max(READ_EVERY_MS, READ_REST * tookMs), READ_EVERY_AT_MOST_MS);
  return state.strays.length > 0 || isDraining(state, nowMs) ? nowMs + restMs : undefined;
}

/**
 * Who drains has to find out when the last of its flows has ended, and who serves rows of a silent node which flows
 * began since.
 */
function isDraining(state: SpreadState, nowMs: number): boolean {
  const held = heldVips(state.flows);
  return [...held].some((vip) =>
    setInForce(state, vip, nowMs)?.committed.some(
      (one) => one.state === 'silent' || (one.id === state.self.id && one.state !== 'serving'),
    ),
  );
}

/** For each owner whose sets have changed: whether this node has to read its flows before it can tell them. */
function tellFlows(turn: SpreadTurn): void {
  const { state, nowMs } = turn;
  const told = new Map<string, number>();
  let isNews = false;
  for (const [bootId, { version, isPending }] of listsInForce(state, nowMs)) {
    const before = state.told.get(bootId) ?? 0;
    const now = isPending ? before : Math.max(before, version);
    told.set(bootId, now);
    isNews ||= now !== before;
  }
  if (!isNews && told.size === state.told.size) return;
  change(turn, { told });
  if (isNews) due(turn, 'digest');
}

/** Asks for connection tracking where something is to be told, or where it is time. */
function readFlows(turn: SpreadTurn): void {
  const { state, nowMs } = turn;
  if (state.reading && nowMs - state.reading.sinceMs < READ_EVERY_MS) return;
  if (nowMs - state.readFailedMs < READ_FAILED_MS) return;
  const covers = new Map<string, number>();
  let isAsked = state.readAtMs !== undefined && nowMs >= state.readAtMs;
  for (const [bootId, { version, isPending }] of listsInForce(state, nowMs)) {
    if (!isMarkedByAll(state, bootId, version, nowMs)) continue;
    covers.set(bootId, version);
    isAsked ||= isPending && (state.told.get(bootId) ?? 0) < version;
  }
  if (!isAsked) return;
  change(turn, { reading: { sinceMs: nowMs, covers } });
  turn.actions.push({ type: 'read' });
}

/** A flow that begins after this node has read is seen by who forwards it, once that one marks the rows that change. */
function isMarkedByAll(state: SpreadState, owner: string, version: number, nowMs: number): boolean {
  const others = [...state.peers.values()].filter((peer) => peer.bootId !== owner && takesPart(peer, nowMs));
  if (others.every((peer) => (peer.has.get(owner)?.sets ?? 0) >= version)) return true;
  const arrived = state.arrivedMs.get(owner);
  return arrived?.version === version && nowMs - arrived.atMs >= MARKED_AFTER_MS;
}

/** Whether this node may end: it serves nothing any more, and all know which flows it keeps. */
export function mayEnd(state: SpreadState, nowMs: number): boolean {
  if (state.phase === 'starting') return true;
  const others = [...state.peers.values()].filter((peer) => takesPart(peer, nowMs));
  const knowAll = others.every((peer) => (peer.has.get(state.self.bootId)?.strays ?? 0) >= state.straysVersion);
  const serves = [...state.vips.keys()].some((vip) => {
    const set = setInForce(state, vip, nowMs);
    return set?.pending || set?.committed.some((one) => one.id === state.self.id && one.state === 'serving');
  });
  return others.length === 0 || (state.owned.size === 0 && knowAll && !serves && state.flowsMs >= state.commitMs);
}
