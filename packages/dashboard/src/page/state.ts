// SPDX-License-Identifier: Apache-2.0
/** All that the page knows, as signals: a message changes them, and only what shows them is drawn again. */
import type { HistoryEntry, VipRow } from '@berth/core';
import { batch, computed, signal } from '@preact/signals';
import { type ApiLink, keyOfVip, type LatenessRow, type Message, type Origin, type ReportParts } from '../wire.ts';
import { compareNatural } from './vip-table.ts';

/** `used`: the token was spent before, and this tab has no session. `ended`: the server does not answer. */
export type Connection = 'connecting' | 'live' | 'ended' | 'used';

const NO_PARTS: ReportParts = {
  problems: [],
  nodes: [],
  hearing: [],
  pools: [],
  configuration: { from: 'none', problems: [] },
  leader: undefined,
  fenceMs: 0,
};

/** Entries of the history and points of lateness that are kept; the oldest go. */
const MOST_ENTRIES = 2_000;
const MOST_POINTS = 1_500;

export const connection = signal<Connection>('connecting');
/** When the connection became what it is, in milliseconds since 1970. */
export const connectionSinceMs = signal(0);
export const origin = signal<Origin | undefined>(undefined);
export const api = signal<ApiLink | undefined>(undefined);
export const parts = signal<ReportParts>(NO_PARTS);
export const history = signal<readonly HistoryEntry[]>([]);
export const lateness = signal<ReadonlyMap<string, LatenessRow['points']>>(new Map());
/** Milliseconds since 1970 by the server's clock, a new value each second: for ages. */
export const nowMs = signal(Date.now());
/** How far the server's clock is ahead of the browser's. */
let aheadMs = 0;

/** Sets the time to this moment. */
export function tick(): void {
  nowMs.value = Date.now() + aheadMs;
}

const vipsByKey = signal<ReadonlyMap<string, VipRow>>(new Map());

export const vips = computed<readonly VipRow[]>(() => [...vipsByKey.value.values()]);
export const problems = computed(() => parts.value.problems);
/** `edge-2` before `edge-10`. */
export const nodes = computed(() => [...parts.value.nodes].sort((a, b) => compareNatural(a.node, b.node)));
export const pools = computed(() => parts.value.pools);
export const hearing = computed(() => parts.value.hearing);

/** VIP rows by the text of the VIP. */
export function vipRow(vip: string): VipRow | undefined {
  return vipsByKey.value.get(vip);
}

/** Names of the nodes, in the order in which colours are given. */
export const nodeNames = computed(() => nodes.value.map(({ node }) => node));

export function setConnection(state: Connection): void {
  if (connection.peek() === state) return;
  batch(() => {
    connection.value = state;
    connectionSinceMs.value = Date.now() + aheadMs;
  });
}

/** Takes over what the server sent. */
export function receive(message: Message): void {
  batch(() => {
    aheadMs = message.atMs - Date.now();
    tick();
    if (message.kind === 'everything') receiveAll(message);
    else receiveDifference(message);
  });
}

function receiveAll(message: Extract<Message, { kind: 'everything' }>): void {
  origin.value = message.origin;
  api.value = message.api;
  parts.value = { ...NO_PARTS, ...message.parts };
  vipsByKey.value = new Map(message.vips.map((row) => [keyOfVip(row), row]));
  history.value = message.history.slice(-MOST_ENTRIES);
  lateness.value = new Map(message.lateness.map(({ node, points }) => [node, points.slice(-MOST_POINTS)]));
}

function receiveDifference(message: Extract<Message, { kind: 'difference' }>): void {
  if (message.api) api.value = message.api;
  if (message.parts) parts.value = { ...parts.peek(), ...message.parts };
  if (message.vips) {
    const rows = new Map(vipsByKey.peek());
    for (const key of message.vips.gone) rows.delete(key);
    for (const row of message.vips.set) rows.set(keyOfVip(row), row);
    vipsByKey.value = rows;
  }
  if (message.history) history.value = inOrder(merged(history.peek(), message.history)).slice(-MOST_ENTRIES);
  if (message.lateness) lateness.value = withPoints(lateness.peek(), message.lateness);
}

// What comes again, as after a history that could not be read for a while, is kept once.
function merged(known: readonly HistoryEntry[], more: readonly HistoryEntry[]): HistoryEntry[] {
  return [...new Map([...known, ...more].map((entry) => [entry.id, entry])).values()];
}

// One that comes later may have happened before: nodes report with delays of their own.
function inOrder(entries: readonly HistoryEntry[]): HistoryEntry[] {
  return [...entries].sort((a, b) => a.atMs - b.atMs);
}

function withPoints(before: ReadonlyMap<string, LatenessRow['points']>, more: readonly LatenessRow[]) {
  const rows = new Map(before);
  for (const { node, points } of more) rows.set(node, [...(rows.get(node) ?? []), ...points].slice(-MOST_POINTS));
  return rows;
}
