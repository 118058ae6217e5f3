// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { formatRoute, parseRoute } from './route.ts';

describe('parseRoute', () => {
  const cases = [
    ['#/vips', 'vips', {}],
    ['#/vips?filter=node%3Aedge-1&open=192.0.2.1', 'vips', { filter: 'node:edge-1', open: '192.0.2.1' }],
    ['#/what-if', 'what-if', {}],
    ['', 'now', {}],
    ['#/nothing', 'now', {}],
    ['#some-token-that-was-not-spent', 'now', {}],
  ] as const;
  for (const [hash, view, query] of cases) {
    it(`'${hash}': ${view}`, () => {
      const route = parseRoute(hash);
      expect(route.view).to.equal(view);
      expect(Object.fromEntries(route.query)).to.deep.equal(query);
    });
  }
});

describe('formatRoute', () => {
  it('leaves out what is empty, and is read back as it was', () => {
    expect(formatRoute('vips', { filter: '', open: '' })).to.equal('#/vips');
    const { query } = parseRoute(formatRoute('vips', { filter: 'a b&c', open: '2001:db8::1' }));
    expect(Object.fromEntries(query)).to.deep.equal({ filter: 'a b&c', open: '2001:db8::1' });
  });
});
