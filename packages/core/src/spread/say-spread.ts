// SPDX-License-Identifier: Apache-2.0
/** What a node says of who serves: its lists in parts, its strays, and what it has of others. */
import { split } from '../membership/list-assembly.ts';
import {
  DIGEST_ENTRIES,
  SET_FIXED_BYTES,
  SET_MEMBER_BYTES,
  type SpreadSections,
  STRAYS_A_PART,
  VIP_BYTES,
  type WireHas,
  type WireServe,
  type WireSet,
  type WireSetMember,
  type WireStrays,
} from '../wire/spread-message.ts';
import { serveBytes, setBytes } from '../wire/spread-section.ts';
import { heldVips } from './own-strays.ts';
import type { SetMember, SpreadSet } from './spread-set.ts';
import { type SpreadState, setsVersionInForce } from './spread-state.ts';
import { lostNodes } from './unheard-nodes.ts';

/** VIPs of one group of a part, so that a group with many members fits. */
const GROUP_BYTES = 780;
const MAX_GROUP_VIPS = 255;

/** What this node can take, by VIP. */
export function servesOf(state: SpreadState): WireServe[] {
  const held = heldVips(state.flows);
  return [...state.vips.values()].map(({ vip, weight }) => ({
    ...{ vip, weight: state.phase === 'leaving' ? 0 : weight },
    holds: held.has(String(vip)),
  }));
}

/** Both lists, in as few frames as they need. */
export function listBodies(state: SpreadState): SpreadSections[] {
  const serves = split(state.servesVersion, servesOf(state), serveBytes).map((part) => ({ serves: part }));
  const sets = split(state.setsVersion, groupsOf(state), setBytes).map((part) => ({ sets: part }));
  return [...sets, ...serves];
}

/** Flows that live elsewhere than their hash says: at this node, and at nodes whose speaker is away or silent. */
export function strayBodies(state: SpreadState): SpreadSections[] {
  const lists = [{ id: state.self.id, strays: state.strays }, ...awayToTell(state)];
  const pieces = lists.flatMap(({ id, strays }) =>
    piecesOf(strays).map((fingerprints) => ({ holder: id, fingerprints })),
  );
  return pieces.map((piece, index): { strays: WireStrays } => ({
    strays: { ...piece, version: state.straysVersion, index, total: pieces.length },
  }));
}

/** What this node has, in as few frames as the number of peers needs. */
export function digestBodies(state: SpreadState): SpreadSections[] {
  const { servesVersion, setsVersion, straysVersion, told } = state;
  const has = [...state.peers.values()].map(
    (peer): WireHas => ({
      ...{ bootId: peer.bootId, sets: setsVersionInForce(state, peer) ?? 0, strays: peer.strays.version ?? 0 },
      told: told.get(peer.bootId) ?? 0,
    }),
  );
  const head = { serves: servesVersion, sets: setsVersion, strays: straysVersion };
  const bodies: SpreadSections[] = [];
  for (let start = 0; start === 0 || start < has.length; start += DIGEST_ENTRIES)
    bodies.push({ digest: { ...head, has: has.slice(start, start + DIGEST_ENTRIES) } });
  return bodies;
}

// Who owns a VIP tells newcomers what they cannot hear of anybody else.
export function awayToTell(state: SpreadState): { readonly id: number; readonly strays: BigUint64Array }[] {
  const { away, owned } = state;
  const inSets = new Set([...owned.values()].flatMap(({ set }) => set.committed.map(({ id }) => id)));
  return [...away.values(), ...lostNodes(state)].filter(({ id, strays }) => inSets.has(id) && strays.length > 0);
}

function piecesOf(strays: BigUint64Array): BigUint64Array[] {
  const pieces: BigUint64Array[] = [];
  for (let start = 0; start === 0 || start < strays.length; start += STRAYS_A_PART)
    pieces.push(strays.subarray(start, start + STRAYS_A_PART));
  return pieces;
}

/** VIPs with the same set together. */
function groupsOf({ owned, vips }: SpreadState): WireSet[] {
  const groups = new Map<string, { set: WireSet; vips: WireSet['vips'][number][] }[]>();
  for (const [key, { set }] of owned) {
    const vip = vips.get(key)?.vip;
    if (vip === undefined) continue;
    const text = textOf(set);
    const alike = groups.get(text) ?? [];
    const last = alike.at(-1);
    if (last && hasRoom(last)) last.vips.push(vip);
    else alike.push({ set: wireSetOf(set), vips: [vip] });
    groups.set(text, alike);
  }
  return [...groups.values()].flat().map(({ set, vips: ofGroup }) => ({ ...set, vips: ofGroup }));
}

function hasRoom({ set, vips }: { readonly set: WireSet; readonly vips: readonly unknown[] }): boolean {
  const bytes = SET_FIXED_BYTES + set.members.length * SET_MEMBER_BYTES + (vips.length + 1) * VIP_BYTES.IPv6;
  return bytes <= GROUP_BYTES && vips.length < MAX_GROUP_VIPS;
}

function textOf({ version, by, pendingBy, committed, pending }: SpreadSet): string {
  const members = (some: readonly SetMember[]) =>
    some.map((one) => `${one.id} ${one.mac} ${one.state} ${one.weight}`).join();
  return [version, by, pendingBy, members(committed), pending && members(pending)].join('|');
}

function wireSetOf({ version, by, pendingBy, committed, pending = [] }: SpreadSet): WireSet {
  const members = new Map<number, WireSetMember>();
  for (const { id, mac, state, weight } of committed)
    members.set(id, { id, mac, committed: { state, weight }, pending: undefined });
  for (const { id, mac, state, weight } of pending)
    members.set(id, { id, mac, committed: members.get(id)?.committed, pending: { state, weight } });
  return { version, by, pendingBy, members: [...members.values()], vips: [] };
}
