// SPDX-License-Identifier: Apache-2.0
/** What a frame of another speaker says about who serves: lists in parts, and what that speaker has. */
import { assemble } from '../membership/list-assembly.ts';
import {
  MAX_STRAY_PARTS,
  type SpreadSections,
  type WireDigest,
  type WirePart,
  type WireSet,
  type WireSetMember,
  type WireStanding,
  type WireStrays,
} from '../wire/spread-message.ts';
import type { SpreadFellow } from './spread-event.ts';
import { nodeIdOf } from './spread-rows.ts';
import { byId, type SetMember, type SpreadSet } from './spread-set.ts';
import { type HeardList, type KnownSet, NOT_ASKED, type SpreadPeer } from './spread-state.ts';
import { change, due, type SpreadTurn, tableChanged } from './spread-turn.ts';

/** A speaker of which nothing was heard yet. */
export function newPeer({ bootId, node, mac }: SpreadFellow): SpreadPeer {
  const none = { version: undefined, assembly: undefined };
  return {
    ...{ bootId, node, mac, id: nodeIdOf(node), heardMs: undefined, straysSaid: 0, has: new Map() },
    serves: { ...none, known: new Map() },
    sets: { ...none, known: new Map() },
    strays: { ...none, known: new Map() },
  };
}

export function hearSpread(turn: SpreadTurn, from: string, sections: SpreadSections): void {
  const before = turn.state.peers.get(from);
  // Who is not known to hear this node can be in no set with it.
  if (before === undefined) return;
  let peer = before;
  if (sections.serves) peer = { ...peer, serves: hearServes(peer.serves, sections.serves) };
  if (sections.sets) peer = { ...peer, sets: hearSets(peer.sets, sections.sets) };
  if (sections.strays) peer = { ...peer, strays: hearStrays(peer.strays, sections.strays) };
  if (sections.digest) peer = hearDigest(turn, peer, sections.digest);
  change(turn, { peers: new Map(turn.state.peers).set(from, peer) });
  if (peer.strays.version !== before.strays.version) {
    due(turn, 'digest');
    tableChanged(turn);
  }
  if (peer.sets.version !== before.sets.version) due(turn, 'digest');
  followSets(turn, peer);
  if (peer.strays.version !== before.strays.version || peer.sets.version !== before.sets.version) adoptAway(turn, peer);
}

function hearServes(list: SpreadPeer['serves'], part: NonNullable<SpreadSections['serves']>): SpreadPeer['serves'] {
  return hearList(list, part, (entries) => new Map(entries.map((one) => [String(one.vip), one])));
}

function hearSets(list: SpreadPeer['sets'], part: WirePart<WireSet>): SpreadPeer['sets'] {
  return hearList(list, part, (groups) => {
    const sets = new Map<string, SpreadSet>();
    for (const group of groups) {
      // One object for all VIPs of a group: their rows are worked out once.
      const set = setOf(group);
      for (const vip of group.vips) sets.set(String(vip), set);
    }
    return sets;
  });
}

function hearStrays(list: SpreadPeer['strays'], part: WireStrays): SpreadPeer['strays'] {
  const { version, index, total } = part;
  return hearList(list, { version, index, total, entries: [part] }, joined);
}

function joined(parts: readonly WireStrays[]): ReadonlyMap<number, BigUint64Array> {
  const holders = new Map<number, BigUint64Array[]>();
  for (const { holder, fingerprints } of parts) holders.set(holder, [...(holders.get(holder) ?? []), fingerprints]);
  return new Map([...holders].map(([holder, pieces]) => [holder, joinPieces(pieces)]));
}

/** One after the other in one array. */
export function joinPieces(pieces: readonly BigUint64Array[]): BigUint64Array {
  const all = new BigUint64Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function hearList<Known, Entry>(
  list: HeardList<Known, Entry>,
  part: WirePart<Entry>,
  known: (entries: readonly Entry[]) => Known,
): HeardList<Known, Entry> {
  // Versions grow: a part that was late on its way takes nothing back.
  if (list.version !== undefined && part.version <= list.version) return list;
  const { complete, assembly } = assemble(list.assembly, part, MAX_STRAY_PARTS);
  if (complete === undefined) return { ...list, assembly };
  return { known: known(complete), version: part.version, assembly: undefined };
}

function hearDigest(turn: SpreadTurn, peer: SpreadPeer, { strays, has }: WireDigest): SpreadPeer {
  const known = new Map([...peer.has, ...has.map((one) => [one.bootId, one] as const)]);
  for (const bootId of known.keys())
    if (bootId !== turn.state.self.bootId && !turn.state.peers.has(bootId)) known.delete(bootId);
  return { ...peer, heardMs: turn.nowMs, straysSaid: strays, has: known };
}

/**
 * Who was not there when a speaker ended learns of its flows from an owner, and tells them on when it owns the VIP
 * itself. Its strays and the set that names it come in any order. Who is silent is none of them ({@link adoptSilent}).
 */
export function adoptAway(turn: SpreadTurn, peer: SpreadPeer): void {
  const { away: before, unheard, peers, self, known } = turn.state;
  const present = new Set([self.id, ...[...peers.values()].map(({ id }) => id)]);
  const away = new Map(before);
  for (const [id, strays] of peer.strays.known) {
    if (present.has(id) || away.has(id) || unheard.has(id)) continue;
    const member = [...known.values()].flatMap(({ set }) => set.committed).find((one) => one.id === id);
    const mac = member?.state === 'away' || member?.state === 'draining' ? member.mac : undefined;
    if (mac) away.set(id, { id, mac, node: undefined, strays, sinceMs: turn.nowMs, ...NOT_ASKED });
  }
  if (away.size !== before.size) change(turn, { away });
}

/**
 * What an owner tells of its VIPs is in force at once; what somebody tells of a VIP that it does not own is nothing.
 */
export function followSets(turn: SpreadTurn, peer: SpreadPeer): void {
  const { vips, known: before, arrivedMs } = turn.state;
  const known = new Map(before);
  let isNew = false;
  let isCommitted = false;
  for (const [vip, set] of peer.sets.known) {
    if (vips.get(vip)?.owner !== peer.bootId) continue;
    const fresh: KnownSet = { set, from: peer.bootId, freshMs: peer.heardMs ?? turn.nowMs };
    const last = before.get(vip)?.set;
    isNew ||= last !== set;
    isCommitted ||= last?.pending !== undefined && set.pending === undefined;
    known.set(vip, fresh);
  }
  change(turn, { known });
  const { version } = peer.sets;
  if (version !== undefined && arrivedMs.get(peer.bootId)?.version !== version)
    change(turn, { arrivedMs: new Map(arrivedMs).set(peer.bootId, { version, atMs: turn.nowMs }) });
  if (isCommitted) change(turn, { readAtMs: turn.nowMs, commitMs: turn.nowMs });
  if (isNew) tableChanged(turn);
}

function setOf({ version, by, pendingBy, members }: WireSet): SpreadSet {
  const pick = (which: 'committed' | 'pending') => members.flatMap((one) => memberOf(one, one[which])).sort(byId);
  return { version, by, committed: pick('committed'), pending: pendingBy && pick('pending'), pendingBy };
}

function memberOf({ id, mac }: WireSetMember, standing: WireStanding | undefined): SetMember[] {
  return standing ? [{ id, mac, ...standing }] : [];
}
