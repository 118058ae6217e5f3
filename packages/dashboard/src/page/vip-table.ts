// SPDX-License-Identifier: Apache-2.0
/** Filtering, sorting and grouping of VIPs. Pure. */
import type { VipRow } from '@berth/core';
import { addressKey } from './format.ts';

export const COLUMNS = ['vip', 'service', 'pool', 'owner', 'since', 'reachable'] as const;
export type Column = (typeof COLUMNS)[number];
export const GROUPINGS = ['', 'node', 'pool', 'namespace'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface TableWish {
  /**
   * Words that all must occur; `node:NAME`, `pool:NAME`, `namespace:NAME` and `is:silent`, `is:unreachable`,
   * `is:double` ask for one thing.
   */
  readonly filter: string;
  readonly sort: Column;
  readonly isDescending: boolean;
  readonly group: Grouping;
}

/** A row of the table: a VIP, or the head of a group. */
export type TableRow =
  | { readonly kind: 'vip'; readonly row: VipRow }
  | { readonly kind: 'group'; readonly name: string; readonly count: number };

/** The rows to show, in order. */
export function tableRows(rows: readonly VipRow[], wish: TableWish): readonly TableRow[] {
  const fitting = rows.filter(testOf(wish.filter));
  const sorted = sortedBy(fitting, wish);
  const { group } = wish;
  if (group === '') return sorted.map((row) => ({ kind: 'vip', row }));
  const groups = Map.groupBy(sorted, (row) => groupOf(row, group));
  return [...groups]
    .sort(([a], [b]) => compareNatural(a, b))
    .flatMap(([name, members]): TableRow[] => [
      { kind: 'group', name, count: members.length },
      ...members.map((row): TableRow => ({ kind: 'vip', row })),
    ]);
}

/** Names of the nodes that answer. */
export function ownersOfRow({ claims }: VipRow): string[] {
  return [...new Set(claims.map(({ node }) => node))];
}

/** When the present owner began; undefined where no one answers. */
export function sinceOf({ claims }: VipRow): number | undefined {
  return claims.length === 0 ? undefined : Math.max(...claims.map(({ sinceMs }) => sinceMs));
}

/** Namespace of the first Service that shows it. */
export function namespaceOf({ services }: VipRow): string {
  return services[0]?.split('/')[0] ?? '';
}

/** Two claims on one interface are one too many: a segment is split, or a claim is about to yield. */
export function isDouble({ claims }: VipRow): boolean {
  return new Set(claims.map((claim) => claim.interface)).size < claims.length;
}

function groupOf(row: VipRow, grouping: Exclude<Grouping, ''>): string {
  switch (grouping) {
    case 'node':
      return ownersOfRow(row).join(' and ') || 'answered by no one';
    case 'pool':
      return row.pool ?? 'in no pool';
    case 'namespace':
      return namespaceOf(row);
  }
}

type Test = (row: VipRow) => boolean;

function testOf(filter: string): Test {
  const tests = filter.toLowerCase().split(/\s+/).filter(Boolean).map(testOfWord);
  return (row) => tests.every((test) => test(row));
}

const STATES: Readonly<Record<string, Test>> = {
  silent: ({ claims }) => claims.length === 0,
  unreachable: ({ reachable }) => reachable === 'no',
  double: isDouble,
};

function testOfWord(word: string): Test {
  const [, kind = '', value = ''] = /^(node|pool|namespace|is):(.+)$/.exec(word) ?? [];
  switch (kind) {
    case 'node':
      return (row) => row.claims.some(({ node }) => node.toLowerCase() === value);
    case 'pool':
      return (row) => row.pool?.toLowerCase() === value;
    case 'namespace':
      return (row) => namespaceOf(row) === value;
    case 'is':
      return STATES[value] ?? (() => false);
    default:
      return (row) => textOf(row).includes(word);
  }
}

/** Made once for each row: a row that changes is another object. */
const texts = new WeakMap<VipRow, string>();

function textOf(row: VipRow): string {
  const known = texts.get(row);
  if (known !== undefined) return known;
  const text = [row.vip, ...row.services, row.pool ?? '', ...ownersOfRow(row), row.reachable].join(' ').toLowerCase();
  texts.set(row, text);
  return text;
}

const NATURAL = new Intl.Collator('en', { numeric: true });

/** `edge-2` before `edge-10`. */
export function compareNatural(a: string, b: string): number {
  return NATURAL.compare(a, b);
}

function sortedBy(rows: readonly VipRow[], { sort, isDescending }: TableWish): readonly VipRow[] {
  const keyed = rows.map((row) => ({ row, address: addressKey(row.vip), key: keyFor(row, sort) }));
  const sign = isDescending ? -1 : 1;
  keyed.sort((a, b) => sign * compareKeys(a.key, b.key) || (a.address < b.address ? -1 : 1));
  return keyed.map(({ row }) => row);
}

function keyFor(row: VipRow, column: Column): string | number {
  switch (column) {
    case 'vip':
      return addressKey(row.vip);
    case 'service':
      return row.services[0] ?? '';
    case 'pool':
      return row.pool ?? '';
    case 'owner':
      return ownersOfRow(row)[0] ?? '';
    case 'since':
      return sinceOf(row) ?? 0;
    case 'reachable':
      return ['no', 'unknown', 'yes'].indexOf(row.reachable);
  }
}

function compareKeys(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}
