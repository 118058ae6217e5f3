// SPDX-License-Identifier: Apache-2.0
/**
 * The history as a ConfigMap: one key with JSON of few characters. Names stand once in a table and are referred to by
 * their place in it, so 1,000 moves of long names are small; what would be too large all the same is cut, the oldest
 * first.
 */
import { type Parsed, parsed, unparsed } from '../net/parsed.ts';
import { countOf, everyOf, listOf, objectOf, oneOf, readJson, textOf } from '../node-state/json-fields.ts';
import {
  type HistoryRecords,
  type Horizon,
  MARK_KINDS,
  MAX_MARKS,
  MAX_MOVES,
  MAX_SERVICES,
  MAX_WHAT,
  type MarkRecord,
  type MoveRecord,
  type MoveWhy,
} from './record.ts';
import { LAST_MS } from './time-text.ts';

/** Name of the ConfigMap in Berth's namespace. */
export const HISTORY_MAP = 'history';
/** Its one key. */
export const HISTORY_KEY = 'history.json';
/** Label of the ConfigMap: without it, it is somebody else's. */
export const HISTORY_LABEL: Readonly<Record<string, string>> = { 'berth.dev/part': HISTORY_MAP };
/** Longest text, in characters: the API server takes 1 MiB for the whole object, and each write costs as much. */
export const MAX_HISTORY_CHARACTERS = 384 * 1024;

const VERSION = 1;
const NONE = -1;
const MAX_NAMES = 2 * (MAX_MOVES * (MAX_SERVICES + 3) + MAX_MARKS * 4);
const MAX_NAME_CHARACTERS = 400;
const MAX_HORIZONS = 2000;
const STATES = ['happened', 'began', 'ended'] as const;
/** Part of the moves that is cut at once where a text is too long. */
const CUT = 8;

/** A ConfigMap of Berth's namespace, as the API server gives it. */
export interface HistoryObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
}

/** What a ConfigMap of that name holds. */
export type HistoryFound =
  | { readonly kind: 'none' }
  | { readonly kind: 'kept'; readonly records: HistoryRecords }
  /** Somebody else's: it has not our label. */
  | { readonly kind: 'foreign' }
  /** Written by a newer version of Berth. */
  | { readonly kind: 'newer'; readonly version: number }
  /** Ours, and what it holds cannot be read. */
  | { readonly kind: 'damaged'; readonly problem: string };

/** Whether a ConfigMap of Berth's namespace is the history that the controller keeps. */
export function isHistory({ metadata }: HistoryObject): boolean {
  const hasLabel = Object.entries(HISTORY_LABEL).every(([name, value]) => metadata.labels?.[name] === value);
  return metadata.name === HISTORY_MAP && hasLabel;
}

export function historyIn(map: HistoryObject | undefined): HistoryFound {
  if (map === undefined) return { kind: 'none' };
  if (!isHistory(map)) return { kind: 'foreign' };
  const text = map.data?.[HISTORY_KEY];
  if (text === undefined) return { kind: 'damaged', problem: `no key ${HISTORY_KEY}` };
  const json = objectOf(readJson(text, 1024 * 1024));
  const version = countOf(json?.v);
  if (version !== undefined && version > VERSION) return { kind: 'newer', version };
  const read = decodeHistory(text);
  return read.ok ? { kind: 'kept', records: read.value } : { kind: 'damaged', problem: read.reason };
}

/** At most {@link MAX_HISTORY_CHARACTERS}. */
export function encodeHistory(records: HistoryRecords): string {
  let kept = records;
  for (;;) {
    const text = encodeWhole(kept);
    const { moves, marks, horizons } = kept;
    if (text.length <= MAX_HISTORY_CHARACTERS) return text;
    kept = {
      moves: moves.slice(Math.ceil(moves.length / CUT)),
      marks: moves.length > 0 ? marks : marks.slice(Math.ceil(marks.length / CUT)),
      horizons: moves.length + marks.length > 0 ? horizons : [],
    };
  }
}

/** The numbers of names, in the order in which they are first used. */
class NameTable {
  readonly #numbers = new Map<string, number>();

  numberOf(name: string | undefined): number {
    if (name === undefined || name === '') return NONE;
    const fitting = name.slice(0, MAX_NAME_CHARACTERS);
    const known = this.#numbers.get(fitting) ?? this.#numbers.size;
    this.#numbers.set(fitting, known);
    return known;
  }

  get names(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}

function encodeWhole({ moves, marks, horizons }: HistoryRecords): string {
  const table = new NameTable();
  const number = (name: string | undefined) => table.numberOf(name);
  const [first] = [...moves, ...marks].sort((a, b) => a.atMs - b.atMs);
  const startMs = first?.atMs ?? 0;
  const rows = {
    moves: moves.map(({ atMs, vip, services, interface: ifname, from, to, why, unansweredMs }) => [
      ...[atMs - startMs, vip, services.slice(0, MAX_SERVICES).map(number), number(ifname), number(from), number(to)],
      ...[number(why), unansweredMs === undefined ? NONE : Math.round(unansweredMs)],
    ]),
    marks: marks.map(({ atMs, kind, state, node, other, vip, interface: ifname, what }) => [
      ...[atMs - startMs, kind, STATES.indexOf(state), number(node), number(other), vip, number(ifname)],
      what.slice(0, MAX_WHAT),
    ]),
    nodes: horizons
      .slice(-MAX_HORIZONS)
      .map(({ node, bootId, sinceSeconds, count }) => [number(node), bootId, sinceSeconds, count]),
  };
  return JSON.stringify({ v: VERSION, startMs, names: table.names, ...rows });
}

/** Refused, with the part that is wrong. Nothing throws: anybody with rights on ConfigMaps may have written it. */
export function decodeHistory(text: string): Parsed<HistoryRecords> {
  const json = objectOf(readJson(text, 1024 * 1024));
  if (json === undefined) return unparsed('history: not a JSON object of at most 1 MiB');
  if (json.v !== VERSION) return unparsed(`history: version is not ${VERSION}`);
  const startMs = countOf(json.startMs);
  const names = everyOf(listOf(json.names, MAX_NAMES), (name) => textOf(name, MAX_NAME_CHARACTERS));
  if (startMs === undefined || names === undefined) return unparsed('history: startMs or names has another shape');
  const reader = { startMs, names };
  const moves = everyOf(listOf(json.moves, MAX_MOVES), (row) => moveOf(row, reader));
  const marks = everyOf(listOf(json.marks, MAX_MARKS), (row) => markOf(row, reader));
  const horizons = everyOf(listOf(json.nodes, MAX_HORIZONS), (row) => horizonOf(row, reader));
  if (moves === undefined) return unparsed('history: moves has another shape');
  if (marks === undefined) return unparsed('history: marks has another shape');
  if (horizons === undefined) return unparsed('history: nodes has another shape');
  // A kind that only newer versions know is left out.
  return parsed({ moves, marks: marks.flat(), horizons });
}

interface Reader {
  readonly startMs: number;
  readonly names: readonly string[];
}

/** The name of a number; empty for none, undefined for a number of no name. */
function nameOf(number: unknown, { names }: Reader): string | undefined {
  return number === NONE ? '' : typeof number === 'number' ? names[number] : undefined;
}

function moveOf(row: unknown, reader: Reader): MoveRecord | undefined {
  const [at, vip, keys, ifname, from, to, why, gap] = listOf(row, 16) ?? [];
  const read = { atMs: timeOf(at, reader), vip: textOf(vip, 64), ifname: nameOf(ifname, reader) };
  const services = everyOf(listOf(keys, MAX_SERVICES), (key) => nameOf(key, reader));
  const [before, after, word] = [nameOf(from, reader), nameOf(to, reader), nameOf(why, reader)];
  const unansweredMs = gap === NONE ? undefined : countOf(gap);
  if (read.atMs === undefined || read.vip === undefined || read.ifname === undefined || services === undefined)
    return undefined;
  if (before === undefined || after === undefined || word === undefined) return undefined;
  return {
    ...{ atMs: read.atMs, vip: read.vip, services, interface: read.ifname },
    ...{ from: before || undefined, to: after || undefined, why: word as MoveWhy, unansweredMs },
  };
}

/** A number of none is refused; an object is not made a number, which can throw. */
function stateOf(number: unknown): MarkRecord['state'] | undefined {
  return typeof number === 'number' ? STATES[number] : undefined;
}

/** The time of a row; undefined beyond the last one that a Date holds. */
function timeOf(at: unknown, { startMs }: Reader): number | undefined {
  const ms = startMs + (countOf(at) ?? Number.NaN);
  return ms <= LAST_MS ? ms : undefined;
}

function markOf(row: unknown, reader: Reader): readonly MarkRecord[] | undefined {
  const [at, kind, state, node, other, vip, ifname, what] = listOf(row, 16) ?? [];
  const word = oneOf(kind, MARK_KINDS);
  if (word === undefined) return textOf(kind, 64) === undefined ? undefined : [];
  const [first, second, third] = [nameOf(node, reader), nameOf(other, reader), nameOf(ifname, reader)];
  const read = { atMs: timeOf(at, reader), vip: textOf(vip, 64), what: textOf(what, MAX_WHAT), state: stateOf(state) };
  if (read.atMs === undefined || read.vip === undefined || read.what === undefined || !read.state) return undefined;
  if (first === undefined || second === undefined || third === undefined) return undefined;
  return [
    {
      ...{ atMs: read.atMs, kind: word, state: read.state, node: first, other: second },
      ...{ vip: read.vip, interface: third, what: read.what },
    },
  ];
}

function horizonOf(row: unknown, reader: Reader): Horizon | undefined {
  const [node, boot, since, count] = listOf(row, 8) ?? [];
  const [name, bootId] = [nameOf(node, reader), textOf(boot, 64)];
  const [sinceSeconds, recorded] = [countOf(since), countOf(count)];
  if (!name || bootId === undefined || sinceSeconds === undefined || recorded === undefined) return undefined;
  return { node: name, bootId, sinceSeconds, count: recorded };
}
