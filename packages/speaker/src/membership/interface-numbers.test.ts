// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { InterfaceNumbers } from './interface-numbers.ts';

describe('InterfaceNumbers', () => {
  it('WT-23: gives interfaces with indexes above 65,535 small numbers, in the order in which they come', () => {
    const numbers = new InterfaceNumbers();
    const present = new Set([70_000, 4_000_000]);
    expect([70_000, 4_000_000].map((ifindex) => numbers.of(ifindex, present))).to.deep.equal([1, 2]);
  });

  it('keeps the number of an interface that comes back', () => {
    const numbers = new InterfaceNumbers();
    expect([5, 9].map((ifindex) => numbers.of(ifindex, new Set([5, 9])))).to.deep.equal([1, 2]);
    expect([7, 5].map((ifindex) => numbers.of(ifindex, new Set([7])))).to.deep.equal([3, 1]);
  });

  it('gives the numbers of interfaces that are gone again, however many come, and never one that is in use', () => {
    const numbers = new InterfaceNumbers();
    const kept = numbers.of(1, new Set([1]));
    for (let ifindex = 2; ifindex < 5000; ifindex++)
      expect(numbers.of(ifindex, new Set([1, ifindex])))
        .to.be.within(1, 65_535)
        .and.not.equal(kept);
  });
});
