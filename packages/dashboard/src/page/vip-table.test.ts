// SPDX-License-Identifier: Apache-2.0
import type { VipRow } from '@berth/core';
import { expect } from 'chai';
import { type TableWish, tableRows } from './vip-table.ts';

function claimOf(node: string, sinceMs = 5, ifname = 'lan0') {
  const words = { term: 1, why: 'new', whyText: 'no one had it before', isOutside: false, moved: undefined } as const;
  return { node, interface: ifname, sinceMs, ...words };
}

function rowOf(number: number, changes: Partial<VipRow> = {}): VipRow {
  return {
    ...{ vip: `192.0.2.${number}`, family: 'IPv4', services: [`shop/s-${number}`], pool: 'lan', silent: undefined },
    ...{ claims: [claimOf('edge-1', number)], servedBy: 'any', reachable: 'yes', reachableText: '' },
    ...changes,
  };
}

const ROWS = [
  rowOf(10, { claims: [claimOf('edge-10', 90)], services: ['media/web'] }),
  rowOf(9, { claims: [claimOf('edge-2', 30)], pool: 'dmz' }),
  rowOf(2, { claims: [], silent: 'no speaker reports', reachable: 'no' }),
  rowOf(3, { claims: [claimOf('edge-2', 1), claimOf('edge-10', 2)], pool: undefined }),
];

const WISH: TableWish = { filter: '', sort: 'vip', isDescending: false, group: '' };

function shown(wish: Partial<TableWish>): string[] {
  return tableRows(ROWS, { ...WISH, ...wish }).map((one) =>
    one.kind === 'vip' ? one.row.vip.replace('192.0.2', '') : `${one.name}: ${one.count}`,
  );
}

describe('tableRows', () => {
  const cases: { name: string; wish: Partial<TableWish>; rows: string[] }[] = [
    { name: 'sorts by address as numbers', wish: {}, rows: ['.2', '.3', '.9', '.10'] },
    { name: 'sorts downwards', wish: { isDescending: true }, rows: ['.10', '.9', '.3', '.2'] },
    { name: 'sorts by time, those without an owner first', wish: { sort: 'since' }, rows: ['.2', '.3', '.9', '.10'] },
    { name: 'sorts by what is wrong first', wish: { sort: 'reachable' }, rows: ['.2', '.3', '.9', '.10'] },
    { name: 'filters by any word', wish: { filter: 'media' }, rows: ['.10'] },
    { name: 'filters by all words', wish: { filter: 'SHOP edge-2' }, rows: ['.3', '.9'] },
    { name: 'filters by a node as a whole name', wish: { filter: 'node:edge-1' }, rows: [] },
    { name: 'filters by a node', wish: { filter: 'node:edge-10' }, rows: ['.3', '.10'] },
    { name: 'filters by pool', wish: { filter: 'pool:dmz' }, rows: ['.9'] },
    { name: 'filters by namespace', wish: { filter: 'namespace:media' }, rows: ['.10'] },
    { name: 'finds what no one answers for', wish: { filter: 'is:silent' }, rows: ['.2'] },
    { name: 'finds what is not reachable', wish: { filter: 'is:unreachable' }, rows: ['.2'] },
    { name: 'finds what two answer for on one interface', wish: { filter: 'is:double' }, rows: ['.3'] },
    { name: 'finds nothing for a state that there is not', wish: { filter: 'is:well' }, rows: [] },
    {
      name: 'groups by node, in the order of their numbers',
      wish: { group: 'node' },
      rows: ['answered by no one: 1', '.2', 'edge-2: 1', '.9', 'edge-2 and edge-10: 1', '.3', 'edge-10: 1', '.10'],
    },
    {
      name: 'groups by pool',
      wish: { group: 'pool', filter: 'edge' },
      rows: ['dmz: 1', '.9', 'in no pool: 1', '.3', 'lan: 1', '.10'],
    },
    { name: 'groups by namespace', wish: { group: 'namespace', filter: 'media' }, rows: ['media: 1', '.10'] },
  ];
  for (const { name, wish, rows } of cases) it(`DB-12: ${name}`, () => expect(shown(wish)).to.deep.equal(rows));

  it('two interfaces are no double', () => {
    const row = rowOf(7, { claims: [claimOf('edge-1'), claimOf('edge-1', 5, 'lan1')] });
    expect(tableRows([row], { ...WISH, filter: 'is:double' })).to.deep.equal([]);
  });
});
