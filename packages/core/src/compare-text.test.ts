// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { compareText } from './compare-text.ts';

describe('compareText', () => {
  it('orders by code units, capitals first and numbers digit by digit', () => {
    const sorted = ['edge-2', 'edge-10', 'Edge', '', 'edge-2'].sort(compareText);
    expect(sorted).to.deep.equal(['', 'Edge', 'edge-10', 'edge-2', 'edge-2']);
  });
});
