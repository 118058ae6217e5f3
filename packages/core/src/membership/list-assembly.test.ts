// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { type Assembly, assemble, MAX_PARTS, PART_BUDGET_BYTES, split } from './list-assembly.ts';

const NINE = () => 9;

describe('split and assemble', () => {
  it('gives back the list, in whatever order its parts come and however often', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 400 }), fc.infiniteStream(fc.nat(1000)), (entries, order) => {
        const parts = split(3, entries, NINE);
        const shuffled = [...parts, ...parts].sort(() => (order.next().value % 3) - 1);
        let assembly: Assembly<number> | undefined;
        let complete: readonly number[] | undefined;
        for (const part of shuffled) {
          if (complete) break;
          ({ complete, assembly } = assemble(assembly, part) as { complete?: number[]; assembly?: Assembly<number> });
        }
        expect(complete).to.deep.equal(entries);
      }),
    );
  });

  it('keeps every part within its budget', () => {
    const parts = split(
      1,
      Array.from({ length: 1000 }, (_, number) => number),
      NINE,
    );
    expect(parts).to.have.length(12);
    for (const { entries } of parts) expect(entries.length * 9).to.be.at.most(PART_BUDGET_BYTES);
  });

  it('says an empty list in one part', () => {
    expect(split(1, [], NINE)).to.deep.equal([{ version: 1, index: 0, total: 1, entries: [] }]);
  });

  it('forgets parts of an older version', () => {
    const { assembly } = assemble<number>(undefined, { version: 1, index: 0, total: 2, entries: [1] });
    const next = assemble(assembly, { version: 2, index: 1, total: 2, entries: [2] });
    expect(next.complete).to.equal(undefined);
    expect(next.assembly?.parts.size).to.equal(1);
  });

  it('begins no list of more parts than anybody may send', () => {
    expect(assemble<number>(undefined, { version: 1, index: 0, total: MAX_PARTS + 1, entries: [1] })).to.deep.equal({
      assembly: undefined,
    });
  });
});
