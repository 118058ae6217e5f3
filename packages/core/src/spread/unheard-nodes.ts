// SPDX-License-Identifier: Apache-2.0
/**
 * Nodes whose speaker is not heard. A speaker that is killed or hangs takes nothing of its node with it: kernel,
 * kube-proxy and pods serve on. So the node is asked for its own address: while it answers it stays in the sets that it
 * was in, as `silent` (docs/design/0043-keeper.md).
 */
import type { SetMember } from './spread-set.ts';
import {
  type AskedKernel,
  type AwayNode,
  NOT_ASKED,
  type SpreadPeer,
  type SpreadState,
  type UnheardNode,
} from './spread-state.ts';
import { change, type SpreadTurn, tableChanged } from './spread-turn.ts';
import { takesPart } from './takes-part.ts';

/** A question that was not answered is asked again after so long, and one that was after so long, in milliseconds. */
const ASK_AGAIN_MS = { unanswered: 50, answered: 1_000 } as const;
/**
 * So many questions in a row without an answer: the node is dead. More for one that has answered since its speaker fell
 * silent: it gets no new flows meanwhile.
 */
const UNANSWERED = { first: 3, later: 10 } as const;
/** An answer to the last question is waited for so long, in milliseconds. */
const ANSWER_WITHIN_MS = 40;
/** A speaker that is not heard is expected back for so long, in milliseconds. */
const SILENT_FOR_MS = 600_000;

/** Ticks that are so far apart, in milliseconds: this process stood still. */
const STANDSTILL_MS = 1_000;

/** What is known of a kernel: the answer is waited for, or there is one. */
export function kernelOf({ answeredMs }: UnheardNode): 'asked' | 'answers' {
  return answeredMs === undefined ? 'asked' : 'answers';
}

/** Those that are lost, not only late. */
export function lostNodes({ unheard }: SpreadState): UnheardNode[] {
  return [...unheard.values()].filter(({ lostMs }) => lostMs !== undefined);
}

/**
 * While this process stood still it heard no one: that takes no one out of a set. Whom it still hears membership tells.
 */
export function forgiveStandstill(turn: SpreadTurn): void {
  const stoodMs = turn.nowMs - turn.state.tickedMs;
  if (stoodMs < STANDSTILL_MS || !Number.isFinite(stoodMs)) return;
  const later = (peer: SpreadPeer) => ({
    ...peer,
    heardMs: peer.heardMs === undefined ? undefined : peer.heardMs + stoodMs,
  });
  change(turn, { peers: new Map([...turn.state.peers].map(([bootId, peer]) => [bootId, later(peer)])) });
}

/** Speakers that are heard late are asked about already, so that the answer is here when they count as lost. */
export function noteLate(turn: SpreadTurn, bootIds: readonly string[]): void {
  const { peers, unheard: before } = turn.state;
  const late = bootIds.flatMap((bootId) => peers.get(bootId) ?? []).filter(({ heardMs }) => heardMs !== undefined);
  const unheard = new Map(
    [...before].filter(([id, { lostMs }]) => lostMs !== undefined || late.some((one) => one.id === id)),
  );
  for (const peer of late) if (!unheard.has(peer.id)) unheard.set(peer.id, newUnheard(peer, undefined));
  change(turn, { unheard });
}

/** A speaker that took part is lost: what its node serves goes on until it is known that it does not. */
export function loseSpeaker(turn: SpreadTurn, peer: SpreadPeer): void {
  if (peer.heardMs === undefined) return;
  const { unheard, away } = turn.state;
  if (away.has(peer.id)) return;
  const asked = unheard.get(peer.id) ?? newUnheard(peer, undefined);
  const strays = peer.strays.known.get(peer.id) ?? asked.strays;
  putUnheard(turn, { ...asked, strays, lostMs: asked.lostMs ?? turn.nowMs });
}

/**
 * Members of a set that its owner before took for silent, and that this node has never heard, with what it told of
 * them.
 */
export function adoptSilent(turn: SpreadTurn, members: readonly SetMember[]): void {
  for (const { id, mac, state } of members) {
    const isKnown = turn.state.unheard.has(id) || turn.state.away.has(id) || isTakingPart(turn, id);
    if (state !== 'silent' || isKnown || id === turn.state.self.id) continue;
    const told = [...turn.state.peers.values()].flatMap(({ strays }) => strays.known.get(id) ?? []);
    const one = newUnheard({ id, mac, node: undefined }, turn.nowMs);
    putUnheard(turn, { ...one, strays: told.at(-1) ?? one.strays });
  }
}

/** The kernel of a node has answered for an address of its own. */
export function noteAnswer(turn: SpreadTurn, id: number): void {
  const answered = { unanswered: 0, answeredMs: turn.nowMs };
  const one = turn.state.unheard.get(id);
  if (one) putUnheard(turn, { ...one, ...answered });
  const away = turn.state.away.get(id);
  if (away) putAway(turn, { ...away, ...answered });
}

/** Asks those that it is time for, and forgets those that are dead, back, or silent for too long. */
export function askUnheard(turn: SpreadTurn): void {
  for (const one of turn.state.unheard.values()) {
    if (isOver(turn, one)) forget(turn, one.id);
    else if (turn.nowMs >= nextQuestionMs(one)) putUnheard(turn, asked(turn, one));
  }
}

/**
 * A node whose speaker ended in order may be about to go itself, as in a restart: packets for it would be lost, where
 * clients would soon be reset otherwise. One that never answers may be one that cannot, and is left alone.
 */
export function askAway(turn: SpreadTurn): void {
  for (const one of turn.state.away.values()) {
    if (one.answeredMs !== undefined && isDead(one, turn.nowMs)) forgetAway(turn, one.id);
    else if (turn.nowMs >= nextQuestionMs(one)) putAway(turn, asked(turn, one));
  }
}

/**
 * In the set that is wanted: as before until the kernel has answered. Then who served is silent, or goes on serving
 * where no one else can: only its speaker is lost.
 */
export function unheardIn(
  state: SpreadState,
  before: readonly SetMember[],
  { present, as }: { readonly present: readonly SetMember[]; readonly as: 'silent' | 'serving' },
): SetMember[] {
  return lostNodes(state).flatMap((one): SetMember[] => {
    const was = before.find(({ id }) => id === one.id);
    if (was === undefined || present.some(({ id }) => id === one.id)) return [];
    const isServer = was.state === 'serving' || was.state === 'silent';
    const isKnown = kernelOf(one) === 'answers';
    return [{ ...was, mac: one.mac, state: isServer && isKnown ? as : was.state }];
  });
}

function isOver(turn: SpreadTurn, one: UnheardNode): boolean {
  const { lostMs, id } = one;
  if (lostMs === undefined) return false;
  return isDead(one, turn.nowMs) || turn.nowMs - lostMs >= SILENT_FOR_MS || isBack(turn, id);
}

/** Its own list of strays takes the place of what was known of it. */
function isBack({ state, nowMs }: SpreadTurn, id: number): boolean {
  return [...state.peers.values()].some(
    (peer) => peer.id === id && takesPart(peer, nowMs) && peer.strays.version !== undefined,
  );
}

function isTakingPart({ state, nowMs }: SpreadTurn, id: number): boolean {
  return [...state.peers.values()].some((peer) => peer.id === id && takesPart(peer, nowMs));
}

function isDead({ unanswered, askedMs, answeredMs }: AskedKernel, nowMs: number): boolean {
  const most = answeredMs === undefined ? UNANSWERED.first : UNANSWERED.later;
  return unanswered >= most && nowMs - askedMs >= ANSWER_WITHIN_MS;
}

function nextQuestionMs({ unanswered, askedMs, answeredMs }: AskedKernel): number {
  if (unanswered === 0 && answeredMs !== undefined) return answeredMs + ASK_AGAIN_MS.answered;
  return askedMs + (unanswered < UNANSWERED.later ? ASK_AGAIN_MS.unanswered : ASK_AGAIN_MS.answered);
}

/** Asks a node; returns it as it is then. */
function asked<Node extends UnheardNode | AwayNode>(turn: SpreadTurn, one: Node): Node {
  turn.actions.push({ type: 'ask', id: one.id, mac: one.mac });
  return { ...one, unanswered: one.unanswered + 1, askedMs: turn.nowMs };
}

function putAway(turn: SpreadTurn, one: AwayNode): void {
  change(turn, { away: new Map(turn.state.away).set(one.id, one) });
}

function forgetAway(turn: SpreadTurn, id: number): void {
  const away = new Map(turn.state.away);
  away.delete(id);
  change(turn, { away });
  tableChanged(turn);
}

function forget(turn: SpreadTurn, id: number): void {
  const unheard = new Map(turn.state.unheard);
  unheard.delete(id);
  change(turn, { unheard });
  tableChanged(turn);
}

function putUnheard(turn: SpreadTurn, one: UnheardNode): void {
  change(turn, { unheard: new Map(turn.state.unheard).set(one.id, one) });
}

function newUnheard(
  { id, node, mac }: Pick<UnheardNode, 'id' | 'node' | 'mac'>,
  lostMs: number | undefined,
): UnheardNode {
  return {
    ...{ id, node, mac, lostMs, strays: new BigUint64Array() },
    ...NOT_ASKED,
  };
}
