// SPDX-License-Identifier: Apache-2.0
/** What is in force on the segments of this node, as the tables in the kernel take it. */
import {
  rowsOfMembers,
  type SetMember,
  type SpreadSet,
  type SpreadState,
  setInForce,
  straysInForce,
} from '@berth/core';
import type { SpreadMember, SpreadRows, SpreadService } from '@berth/link';
import type { NodeNumbers } from './node-numbers.ts';
import type { ServedEverywhere } from './served-services.ts';

/** One segment with what its state machine knows. */
export interface SpreadSegment {
  readonly ifindex: number;
  readonly state: SpreadState;
}

/** Builds tables; rows of the same members stay the same object, so that they are written once. */
export class SpreadContentsBuilder {
  readonly #numbers: NodeNumbers;
  #rows = new Map<string, SpreadRows>();

  constructor(numbers: NodeNumbers) {
    this.#numbers = numbers;
  }

  /** Members and Services of all segments. A VIP that this node serves alone is left out: its frames need no look. */
  contents(
    segments: readonly SpreadSegment[],
    everywhere: ReadonlyMap<string, ServedEverywhere>,
    nowMs: number,
  ): { readonly members: SpreadMember[]; readonly services: SpreadService[] } {
    const before = this.#rows;
    this.#rows = new Map();
    this.#numbers.keep(new Set(segments.flatMap(({ state }) => idsIn(state, nowMs))));
    const members: SpreadMember[] = [];
    const services: SpreadService[] = [];
    for (const { ifindex, state } of segments) {
      members.push(...this.#membersOf(ifindex, state, nowMs));
      for (const [text, { vip, ports }] of everywhere) {
        const set = setInForce(state, text, nowMs);
        if (set === undefined || isOwnAlone(set, state.self.id)) continue;
        const rows = this.#rowsOf(set, before);
        for (const { protocol, port } of ports) services.push({ ifindex, vip, protocol, port, by: set.by, rows });
      }
    }
    return { members, services };
  }

  /** Flows that live elsewhere than their hash says, of all segments. */
  strays(segments: readonly SpreadSegment[]): { readonly fingerprints: BigUint64Array; readonly numbers: Uint8Array } {
    const lists = segments.map(({ state }) => straysInForce(state));
    const total = lists.reduce((sum, { fingerprints }) => sum + fingerprints.length, 0);
    const fingerprints = new BigUint64Array(total);
    const numbers = new Uint8Array(total);
    let at = 0;
    for (const list of lists) {
      fingerprints.set(list.fingerprints, at);
      for (const holder of list.holders) numbers[at++] = this.#numbers.of(holder);
    }
    return { fingerprints, numbers };
  }

  #membersOf(ifindex: number, state: SpreadState, nowMs: number): SpreadMember[] {
    const macs = new Map([...state.peers.values()].map(({ id, mac }) => [id, mac]));
    for (const vip of state.vips.keys()) {
      const set = setInForce(state, vip, nowMs);
      for (const { id, mac } of [...(set?.committed ?? []), ...(set?.pending ?? [])])
        if (!macs.has(id)) macs.set(id, mac);
    }
    macs.delete(state.self.id);
    return [...macs].flatMap(([id, mac]) => {
      const number = this.#numbers.of(id);
      return number === 0 ? [] : [{ number, ifindex, mac }];
    });
  }

  #rowsOf(set: SpreadSet, before: ReadonlyMap<string, SpreadRows>): SpreadRows {
    const key = [set.by, set.pendingBy, textOf(set.committed), set.pending && textOf(set.pending)].join('|');
    const rows = this.#rows.get(key) ?? before.get(key) ?? this.#newRows(set);
    this.#rows.set(key, rows);
    return rows;
  }

  #newRows({ committed, pending, by, pendingBy }: SpreadSet): SpreadRows {
    const now = rowsOfMembers(committed);
    const next = pending && rowsOfMembers(pending);
    const count = Math.max(now.targets.length, next?.targets.length ?? 0);
    const at = (ids: Uint32Array, row: number) => this.#numbers.of(ids[row & (ids.length - 1)] ?? 0);
    const targets = Uint8Array.from({ length: count }, (_, row) => at(now.targets, row));
    const fallbacks = Uint8Array.from({ length: count }, (_, row) => at(now.fallbacks, row));
    // Where rows are to go by something else, no row can tell which flows of it stay.
    const isOther = by !== (pendingBy ?? by);
    const nextOf = (row: number, to: number) => (isOther || to !== targets[row] ? to : 0);
    const nexts = Uint8Array.from({ length: count }, (_, row) => (next ? nextOf(row, at(next.targets, row)) : 0));
    const doubtOf = (row: number) => (next && nexts[row] !== 0 ? at(next.fallbacks, row) : 0);
    const nextFallbacks = Uint8Array.from({ length: count }, (_, row) => doubtOf(row));
    return { targets, fallbacks, nexts, nextFallbacks };
  }
}

/** Ids that tables may name: of speakers that are heard or away, and of members of sets. */
function idsIn(state: SpreadState, nowMs: number): number[] {
  const sets = [...state.vips.keys()].flatMap((vip) => setInForce(state, vip, nowMs) ?? []);
  const members = new Set(sets.flatMap(({ committed, pending }) => (pending ? [committed, pending] : [committed])));
  const ofMembers = [...members].flatMap((list) => list.map(({ id }) => id));
  const told = [...state.peers.values()].flatMap(({ id, strays }) => [id, ...strays.known.keys()]);
  return [...ofMembers, ...told, ...state.away.keys()];
}

function isOwnAlone({ committed, pending }: SpreadSet, id: number): boolean {
  return pending === undefined && committed.every((one) => one.id === id);
}

function textOf(members: readonly SetMember[]): string {
  return members.map(({ id, state, weight }) => `${id} ${state} ${weight}`).join();
}
