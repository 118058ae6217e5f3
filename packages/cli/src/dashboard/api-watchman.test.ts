// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { linkAfter } from './api-watchman.ts';

describe('linkAfter', () => {
  const reached = { state: 'reached', sinceMs: 10, asOfMs: 50, text: '' } as const;

  it('is as of the last answer while the API server is reached', () => {
    expect(linkAfter(reached, '', 60)).to.deep.equal({ ...reached, asOfMs: 60 });
  });

  it('DB-08: keeps the time of the last answer when it is lost, and since when', () => {
    const lost = linkAfter(reached, 'no answer within 4 s', 60);
    expect(lost).to.deep.equal({ state: 'lost', sinceMs: 60, asOfMs: 50, text: 'no answer within 4 s' });
    expect(linkAfter(lost, 'refused', 70)).to.deep.equal({ state: 'lost', sinceMs: 60, asOfMs: 50, text: 'refused' });
  });

  it('DB-08: is reached again by one answer', () => {
    const lost = linkAfter(reached, 'refused', 60);
    expect(linkAfter(lost, '', 90)).to.deep.equal({ state: 'reached', sinceMs: 90, asOfMs: 90, text: '' });
  });
});
