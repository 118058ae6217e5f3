// SPDX-License-Identifier: Apache-2.0

import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { Refresh } from './refresh.ts';

function setUp() {
  const clock = new FakeClock();
  const lists: (() => void)[] = [];
  let impatient = 0;
  const refresh = new Refresh({
    clock,
    relist: () => new Promise((resolve) => lists.push(resolve)),
    patienceMs: 1000,
  });
  refresh.impatience.subscribe(() => {
    impatient++;
  });
  const ended: string[] = [];
  const request = (name: string) => void refresh.request().then(() => ended.push(name));
  return { clock, lists, ended, request, impatient: () => impatient };
}

describe('Refresh', () => {
  it('ends when everything was read', async () => {
    const { lists, ended, request } = setUp();
    request('a');
    lists[0]?.();
    await settle();
    expect(ended).to.deep.equal(['a']);
  });

  it('gives those who ask while it reads the next reading, one for all, after a pause', async () => {
    const { clock, lists, ended, request } = setUp();
    request('a');
    request('b');
    request('c');
    lists[0]?.();
    await settle();
    expect(ended).to.deep.equal(['a']);
    expect(lists.length).to.equal(1);
    await clock.advance(250);
    expect(lists.length).to.equal(2);
    lists[1]?.();
    await settle();
    expect(ended).to.have.members(['a', 'b', 'c']);
  });

  it('reads again for who asks later', async () => {
    const { lists, ended, request } = setUp();
    request('a');
    lists[0]?.();
    await settle();
    request('b');
    expect(lists.length).to.equal(2);
    expect(ended).to.deep.equal(['a']);
  });

  it('goes on with what is known when the API server does not answer', async () => {
    const { clock, ended, request, impatient } = setUp();
    request('a');
    await clock.advance(1000);
    await settle();
    expect(ended).to.deep.equal(['a']);
    expect(impatient()).to.equal(1);
  });
});
