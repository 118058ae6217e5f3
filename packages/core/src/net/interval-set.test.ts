// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { IntervalSet } from './interval-set.ts';

const HIGHEST = 40;

describe('IntervalSet', () => {
  it('merges what touches', () => {
    const set = IntervalSet.of([
      { first: 1n, last: 2n },
      { first: 4n, last: 4n },
      { first: 3n, last: 3n },
    ]);
    expect([...set]).to.deep.equal([{ first: 1n, last: 4n }]);
  });

  it('splits on removal', () => {
    const set = IntervalSet.of([{ first: 0n, last: 9n }]);
    set.remove(3n, 4n);
    expect([...set]).to.deep.equal([
      { first: 0n, last: 2n },
      { first: 5n, last: 9n },
    ]);
  });

  it('finds the first gap of a /64 without enumerating', () => {
    const set = IntervalSet.of([{ first: 0n, last: (1n << 63n) - 1n }]);
    expect(set.firstGap(0n, (1n << 64n) - 1n)).to.equal(1n << 63n);
    expect(set.firstGap(0n, (1n << 63n) - 1n)).to.equal(undefined);
  });

  it('agrees with a plain set of numbers', () => {
    const operation = fc.record({
      kind: fc.constantFrom('add', 'remove'),
      first: fc.nat(HIGHEST),
      length: fc.nat(6),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const set = new IntervalSet();
        const model = new Set<number>();
        for (const { kind, first, length } of operations) {
          const last = first + length;
          for (let value = first; value <= last; value++) kind === 'add' ? model.add(value) : model.delete(value);
          kind === 'add' ? set.add(BigInt(first), BigInt(last)) : set.remove(BigInt(first), BigInt(last));
        }
        const numbers = Array.from({ length: HIGHEST + 8 }, (_, index) => index);
        expect(numbers.filter((value) => set.has(BigInt(value)))).to.deep.equal(numbers.filter((v) => model.has(v)));
        const gap = numbers.find((value) => value >= 5 && !model.has(value));
        expect(set.firstGap(5n, BigInt(HIGHEST + 7))).to.equal(gap === undefined ? undefined : BigInt(gap));
        expect(set.size).to.equal(BigInt(model.size));
        expect(set.countWithin(7n, 20n)).to.equal(
          BigInt(numbers.filter((v) => v >= 7 && v <= 20 && model.has(v)).length),
        );
        const missing = set
          .gapsWithin(3n, 30n)
          .flatMap((gap) => numbers.filter((v) => v >= gap.first && v <= gap.last));
        expect(missing).to.deep.equal(numbers.filter((v) => v >= 3 && v <= 30 && !model.has(v)));
        expect(set.intersects(9n, 12n)).to.equal([9, 10, 11, 12].some((value) => model.has(value)));
        expect([...set.clone()]).to.deep.equal([...set]);
      }),
    );
  });
});
