// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { coverageTable, type FileCoverage, untestedFiles } from './coverage-table.ts';

function counted(lines: number, functions: number, total = 4): FileCoverage {
  const of = (covered: number) => ({ total, covered });
  return { lines: of(lines), branches: { total: 0, covered: 0 }, functions: of(functions) };
}

const FILES = new Map([
  ['packages/core/src/wire/arp.ts', counted(4, 4)],
  ['packages/core/src/net/ip.ts', counted(2, 1)],
  ['packages/core/src/wire/event.ts', counted(0, 0)],
  ['packages/core/src/net/main.ts', counted(3, 0)],
  ['packages/core/src/net/numbers.ts', counted(0, 0, 0)],
]);

describe('the table of coverage', () => {
  it('has a row for each room and one for all, lined up', () => {
    expect(coverageTable(FILES)).to.deep.equal([
      'room                    files   lines  branches  functions',
      'packages/core/src/net       3  62.5 %         -     12.5 %',
      'packages/core/src/wire      2  50.0 %         -     50.0 %',
      'all                         5  56.3 %         -     31.3 %',
    ]);
  });

  it('names files of which no function ran, but those that hold types alone', () => {
    expect(untestedFiles(FILES, (file) => !file.endsWith('event.ts'))).to.deep.equal(['packages/core/src/net/main.ts']);
  });
});
