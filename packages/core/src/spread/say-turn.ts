// SPDX-License-Identifier: Apache-2.0
/** When a node says what: lists at once when they change and again to who lacks them, a digest now and then. */
import { listsInForce } from './lists-in-force.ts';
import { awayToTell, digestBodies, listBodies, strayBodies } from './say-spread.ts';
import { change, due, type SpreadTurn } from './spread-turn.ts';
import { takesPart } from './takes-part.ts';

/** Own digest and lists again, in milliseconds; the digest more often while a change is under way. */
const DIGEST_EVERY_MS = { calm: 200, pending: 50 } as const;
const LISTS_EVERY_MS = 1_000;
/** Who lacks a list of this node gets it again after so long, in milliseconds. */
const AGAIN_MS = 100;
/** Sends what is due. */
export function say(turn: SpreadTurn): void {
  noteOwnArrival(turn);
  noteAway(turn);
  const { state, nowMs } = turn;
  const isLate = (since: number) => nowMs - since >= AGAIN_MS;
  const areListsDue =
    state.due.lists ||
    nowMs - state.listedMs >= LISTS_EVERY_MS ||
    (isLate(state.listedMs) && isLacking(turn, 'sets', state.setsVersion));
  const areStraysDue =
    state.due.strays || (isLate(state.straysListedMs) && isLacking(turn, 'strays', state.straysVersion));
  const isPending = [...listsInForce(state, nowMs).values()].some((list) => list.isPending);
  const paceMs = isPending ? DIGEST_EVERY_MS.pending : DIGEST_EVERY_MS.calm;
  const isDigestDue = state.due.digest || nowMs - state.digestMs >= paceMs;
  const bodies = [
    ...(areListsDue ? listBodies(state) : []),
    ...(areStraysDue ? strayBodies(state) : []),
    ...(areListsDue || areStraysDue || isDigestDue ? digestBodies(state) : []),
  ];
  if (bodies.length === 0) return;
  turn.actions.push({ type: 'send', bodies });
  change(turn, {
    due: { lists: false, strays: false, digest: false },
    digestMs: nowMs,
    ...(areListsDue && { listedMs: nowMs }),
    ...(areStraysDue && { straysListedMs: nowMs }),
  });
}

function isLacking({ state, nowMs }: SpreadTurn, what: 'sets' | 'strays', version: number): boolean {
  const others = [...state.peers.values()].filter((peer) => takesPart(peer, nowMs));
  return others.some((peer) => (peer.has.get(state.self.bootId)?.[what] ?? 0) < version);
}

/** What this node tells of nodes that are away is part of the list of its strays. */
function noteAway(turn: SpreadTurn): void {
  const awaySaid = awayToTell(turn.state)
    .map(({ id }) => id)
    .join();
  if (awaySaid === turn.state.awaySaid) return;
  change(turn, { awaySaid, straysVersion: turn.state.straysVersion + 1 });
  due(turn, 'strays', 'digest');
}

function noteOwnArrival(turn: SpreadTurn): void {
  const { self, setsVersion: version, arrivedMs } = turn.state;
  if (arrivedMs.get(self.bootId)?.version === version) return;
  change(turn, { arrivedMs: new Map(arrivedMs).set(self.bootId, { version, atMs: turn.nowMs }) });
}
