// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { NodeNumbers, OWN_NUMBER } from './node-numbers.ts';

const SELF = 7;
const [A, B] = [8, 9];

describe('NodeNumbers', () => {
  it('numbers this node 1, and the others from 2 on', () => {
    const numbers = new NodeNumbers(SELF);
    expect([SELF, A, B, A, 0].map((id) => numbers.of(id))).to.deep.equal([OWN_NUMBER, 2, 3, 2, 0]);
  });

  it('EN-52: a node that was out of the tables for a moment has its number again', () => {
    const numbers = new NodeNumbers(SELF);
    numbers.of(A);
    numbers.of(B);
    numbers.keep(new Set());
    expect([B, A].map((id) => numbers.of(id))).to.deep.equal([3, 2]);
  });

  it('EN-52: gives the number that has been out of use for longest away when there is no other left, and none in use', () => {
    const numbers = new NodeNumbers(SELF);
    const ids = Array.from({ length: 254 }, (_, index) => 100 + index);
    for (const id of ids) numbers.of(id);
    const [first, second, ...others] = ids;
    numbers.keep(new Set([second ?? 0, ...others]));
    expect(numbers.of(A), 'that of the first').to.equal(2);
    expect(numbers.of(B), 'none is left').to.equal(0);
    numbers.keep(new Set([A, ...others]));
    expect(numbers.of(first ?? 0), 'that of the second').to.equal(3);
  });
});
