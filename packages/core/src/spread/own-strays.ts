// SPDX-License-Identifier: Apache-2.0
/**
 * Strays: flows that live at this node although their hash names another one, by its own connection tracking. No
 * history, no clocks.
 */
import { type OwnedRows, ownedRows, rowCountOf } from './spread-rows.ts';
import type { SetMember, SpreadSet } from './spread-set.ts';
import { type SpreadState, setInForce } from './spread-state.ts';
import { change, due, type SpreadTurn, tableChanged } from './spread-turn.ts';

/** Most strays that a node reports; what is more is counted. */
export const MAX_STRAYS = 65_536;

/** Rows of a list of members, worked out once for each list: sets of thousands of VIPs share a few lists. */
export function rowsOfMembers(members: readonly SetMember[]): OwnedRows {
  const known = ROWS_OF.get(members);
  if (known) return known;
  const key = members.map(({ id, state, weight }) => `${id} ${state} ${weight}`).join();
  const rows = LATELY.get(key) ?? ownedRows(members, rowCountOf(members));
  LATELY.delete(key);
  LATELY.set(key, rows);
  const [oldest] = LATELY.keys();
  if (LATELY.size > MAX_LATELY && oldest !== undefined) LATELY.delete(oldest);
  ROWS_OF.set(members, rows);
  return rows;
}

// Remembers what is the same for ever: rows follow from the members alone.
const ROWS_OF = new WeakMap<readonly SetMember[], OwnedRows>();
const LATELY = new Map<string, OwnedRows>();
const MAX_LATELY = 64;

/** Where the low half of a number of 64 bits stands on this machine. */
const LOW_WORD = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 0 : 1;

/** Follows what was read. The list for the other nodes gets a new version only if the strays have changed. */
export function updateStrays(turn: SpreadTurn): void {
  const strays = straysOf(turn.state, turn.nowMs);
  if (isSame(strays, turn.state.strays)) return;
  change(turn, { strays, straysVersion: turn.state.straysVersion + 1 });
  due(turn, 'strays', 'digest');
  tableChanged(turn);
}

/** In ascending order. */
function straysOf(state: SpreadState, nowMs: number): BigUint64Array {
  const { flows, self } = state;
  const { fingerprints, services, clientRows } = flows;
  const sets = flows.vips.map((vip) => setInForce(state, vip, nowMs));
  const low = new Uint32Array(fingerprints.buffer, fingerprints.byteOffset, fingerprints.length * 2);
  const found: bigint[] = [];
  for (let index = 0; index < fingerprints.length; index++) {
    const set = sets[services[index] ?? 0];
    const flow = { low: low[index * 2 + LOW_WORD] ?? 0, clientRow: clientRows[index] ?? 0 };
    // A node that does not know yet how rows go reports all that it has: others may go by a set that it has not heard.
    if (set === undefined || isStray(set, flow, self.id)) found.push(fingerprints[index] ?? 0n);
    if (found.length >= MAX_STRAYS) break;
  }
  return BigUint64Array.from(found).sort();
}

interface FlowRows {
  readonly low: number;
  readonly clientRow: number;
}

// During a change a flow must be found by the members before and by those after it.
function isStray({ by, committed, pending, pendingBy }: SpreadSet, flow: FlowRows, id: number): boolean {
  if (!isFoundAt(id, committed, by, flow)) return true;
  return pending !== undefined && !isFoundAt(id, pending, pendingBy ?? by, flow);
}

// In a row that a silent node had, a flow counts as that node's unless it is reported as a stray.
function isFoundAt(id: number, members: readonly SetMember[], by: SpreadSet['by'], flow: FlowRows): boolean {
  const { targets, fallbacks } = rowsOfMembers(members);
  const row = (by === 'flow' ? flow.low : flow.clientRow) & (targets.length - 1);
  return targets[row] === id && fallbacks[row] === 0;
}

/** VIPs of which this node knows flows. */
export function heldVips({ fingerprints, services, vips }: SpreadState['flows']): ReadonlySet<string> {
  const held = new Set<number>();
  for (let index = 0; index < fingerprints.length; index++) held.add(services[index] ?? 0);
  return new Set([...held].flatMap((index) => vips[index] ?? []));
}

function isSame(a: BigUint64Array, b: BigUint64Array): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
