// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { whyOwned } from './answered-by.ts';

describe('whyOwned', () => {
  it('BL-22: says that a claim is provisional, and nothing of one that is not', () => {
    const firm = { yieldsTo: 1, isWeak: false, isFresh: false };
    expect(whyOwned({ why: 'new', standing: firm })).to.equal('no one had it before');
    expect(whyOwned({ why: 'new', standing: { ...firm, isWeak: true } })).to.equal(
      'no one had it before; provisional, so it gives way to an owner that is not',
    );
  });
});
