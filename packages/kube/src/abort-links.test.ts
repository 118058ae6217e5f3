// SPDX-License-Identifier: Apache-2.0
import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { AbortLinks } from './abort-links.ts';

describe('AbortLinks', () => {
  it('calls everybody that obeys the signal, but those that were taken away', () => {
    const links = new AbortLinks();
    const stopper = new AbortController();
    const called: string[] = [];
    links.add(stopper.signal, () => called.push('one'));
    const unlink = links.add(stopper.signal, () => called.push('two'));
    links.add(stopper.signal, () => called.push('three'));
    unlink();
    stopper.abort();
    expect(called).to.deep.equal(['one', 'three']);
  });

  it('calls at once where the signal is aborted already', () => {
    const called: string[] = [];
    new AbortLinks().add(AbortSignal.abort(), () => called.push('one'));
    expect(called).to.deep.equal(['one']);
  });

  it('has one listener for any number of calls, and none when all have ended', () => {
    const links = new AbortLinks();
    const { signal } = new AbortController();
    const unlinks = Array.from({ length: 1_000 }, () => links.add(signal, () => {}));
    expect(getEventListeners(signal, 'abort')).to.have.length(1);
    for (const unlink of unlinks) unlink();
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });
});
