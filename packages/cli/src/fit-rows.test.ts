// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { fitRows } from './fit-rows.ts';
import { formatTable, tableLines } from './table.ts';

const LONG = ['ip-10-0-3-17.eu-west-1.compute.internal', 'ip-10-0-3-18.eu-west-1.compute.internal'];

function lines(rows: readonly (readonly string[])[], columns?: number): string[] {
  return formatTable(rows, { columns }).trimEnd().split('\n');
}

describe('a table on a terminal', () => {
  const rows = [['NODE', 'INTERFACE', 'VIPS'], ...LONG.map((node) => [node, 'lan0', '3']), ['edge-1', 'lan0', '12']];

  it('is as wide as it comes where it goes to a file or a pipe', () => {
    expect(lines(rows)[1]).to.equal(`${LONG[0]}  lan0       3`);
  });

  it('CL-05: cuts names of nodes from the left, where they begin alike', () => {
    for (const line of lines(rows, 40)) expect(line.length, line).to.be.at.most(40);
    expect(lines(rows, 40)[1]).to.match(/^…\S+compute\.internal {2}lan0/);
    expect(lines(rows, 40)[3]).to.match(/^edge-1 /);
  });

  it('CL-05: breaks text in the last column between words, and leaves the columns before it whole', () => {
    const history = [
      ['TIME', 'ABOUT', 'WHAT HAPPENED'],
      ['09:59', '192.0.2.7', 'edge-2 answers for 192.0.2.7: edge-1 fell silent; no one answered for 131 ms'],
    ];
    expect(lines(history, 48)).to.deep.equal([
      'TIME   ABOUT      WHAT HAPPENED',
      '09:59  192.0.2.7  edge-2 answers for 192.0.2.7:',
      '                  edge-1 fell silent; no one',
      '                  answered for 131 ms',
    ]);
    expect(tableLines(history, { columns: 48 }).map(({ row }) => row)).to.deep.equal([0, 1, 1, 1]);
  });

  it('CL-05: never cuts the first column where it is an address', () => {
    const vips = [
      ['VIP', 'SERVICE', 'NODE', 'SINCE', 'REACHABLE'],
      ['2001:db8:1234:5678:9abc:def0:1234:5678', 'shop/web', LONG[0] ?? '', '2026-11-30T09:59:00Z', 'yes'],
    ];
    const narrow = lines(vips, 60);
    expect(narrow[1]).to.match(/^2001:db8:1234:5678:9abc:def0:1234:5678 {2}shop\/web {2}…\S+ {2}/);
  });

  it('says which of its rows each line is of', () => {
    expect(fitRows([['NODE'], ['edge-1']], 5)).to.deep.equal([
      { cells: ['NODE'], row: 0 },
      { cells: ['edge-1'], row: 1 },
    ]);
  });
});
