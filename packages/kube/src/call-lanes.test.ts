// SPDX-License-Identifier: Apache-2.0

import { getEventListeners } from 'node:events';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ApiBudget } from './api-budget.ts';
import { CallLanes } from './call-lanes.ts';
import { KubeError } from './errors.ts';

const QUICK_MS = 10;
const DENIED_AFTER_MS = 10_000;

/** Lanes whose calls take as long as the test says, and then succeed or fail. */
function makeLanes(maxSlow = 2, maxMiddle = 2) {
  const clock = new FakeClock();
  const lanes = new CallLanes({ clock, fast: new ApiBudget({ clock, maxConcurrency: 2 }), maxSlow, maxMiddle });
  const { signal } = new AbortController();
  /** Milliseconds until each key was done, or the code of its error. */
  const ends = new Map<string, number | string>();
  const answer = (ms: number, error?: KubeError) => (cut: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      cut.addEventListener('abort', () => reject(new KubeError('aborted', 'cut')), { once: true });
      clock.after(ms, () => (error ? reject(error) : resolve()));
    });
  const start = (key: string, call: (signal: AbortSignal) => Promise<void>, onSlow = () => {}) =>
    void lanes.run(call, { key, group: key.split('/')[0] ?? '', signal, onSlow }).then(
      () => ends.set(key, clock.now()),
      (error: KubeError) => ends.set(key, error.code),
    );
  return {
    ...{ clock, lanes, ends },
    quick: (key: string) => start(key, answer(QUICK_MS)),
    hanging: (key: string, onSlow?: () => void) =>
      start(key, answer(DENIED_AFTER_MS, new KubeError('server', 'webhook')), onSlow),
    slow: (key: string, ms: number) => start(key, answer(ms)),
  };
}

/** The usual time is known: calls are slow after 100 ms. */
async function warmed(maxSlow?: number, maxMiddle?: number) {
  const made = makeLanes(maxSlow, maxMiddle);
  made.quick('warm/up');
  await made.clock.advance(QUICK_MS);
  expect(made.lanes.slowAfterMs).to.equal(100);
  return made;
}

describe('CallLanes', () => {
  it('ER-02: calls that hang hold up another for a tenth of a second, and go on beside it', async () => {
    const { clock, ends, hanging, quick } = await warmed();
    let told = 0;
    for (const key of ['a/1', 'a/2']) hanging(key, () => (told += 1));
    quick('a/3');
    await clock.advance(100);
    expect(told).to.equal(2);
    await clock.advance(QUICK_MS);
    expect(ends.get('a/3')).to.equal(QUICK_MS + 100 + QUICK_MS);
    await clock.advance(DENIED_AFTER_MS);
    expect([ends.get('a/1'), ends.get('a/2')]).to.deep.equal(['server', 'server']);
  });

  it('ER-02: where the next lane is full they are cut off, and begin there the next time', async () => {
    const { clock, ends, lanes, hanging, quick } = await warmed();
    for (let index = 0; index < 6; index++) hanging(`a/${index}`);
    await clock.advance(300);
    const putOff = [...ends].filter(([, end]) => end === 'put-off').map(([key]) => key);
    expect(putOff).to.deep.equal(['a/2', 'a/3', 'a/4', 'a/5']);
    expect(lanes.isSlow('a/2')).to.equal(true);
    hanging('a/2');
    quick('a/9');
    await clock.advance(QUICK_MS);
    expect(ends.get('a/9'), 'no one in the fast lane').to.equal(QUICK_MS + 300 + QUICK_MS);
  });

  it('ER-02: one that was slow by accident need not wait behind those that hang for long', async () => {
    const { clock, ends, hanging, quick, slow } = await warmed();
    for (let index = 0; index < 4; index++) hanging(`a/${index}`);
    await clock.advance(200);
    // Two are in the middle, two were put off.
    slow('b/1', 200);
    await clock.advance(100);
    expect(ends.get('b/1')).to.equal('put-off');
    ends.delete('b/1');
    quick('b/1');
    // The two in the middle move on to the last lane after a second.
    await clock.advance(1_000);
    expect(ends.get('b/1')).to.be.a('number');
  });

  it('ER-02: 1,000 that hang hold up Services of another namespace for a fifth of a second at most', async () => {
    const { clock, ends, hanging, quick } = await warmed(32, 16);
    for (let index = 0; index < 1_000; index++) hanging(`a/${index}`);
    quick('b/1');
    await clock.advance(250);
    expect(ends.get('b/1')).to.be.a('number');
  });

  it('who goes through in the slow lane begins in the fast one again', async () => {
    const { clock, ends, lanes, hanging, quick } = await warmed();
    hanging('a/1');
    await clock.advance(DENIED_AFTER_MS);
    expect(lanes.isSlow('a/1')).to.equal(true);
    ends.clear();
    quick('a/1');
    await clock.advance(QUICK_MS);
    expect([ends.size, lanes.isSlow('a/1')]).to.deep.equal([1, false]);
  });

  it('learns that the server takes its time, and then cuts nobody off', async () => {
    const { clock, ends, lanes, slow } = await warmed();
    for (let index = 0; index < 4; index++) slow(`a/${index}`, 1_000);
    await clock.advance(1_300);
    expect(lanes.slowAfterMs).to.be.greaterThan(2_000);
    ends.clear();
    for (let index = 10; index < 20; index++) slow(`a/${index}`, 1_000);
    await clock.advance(6_000);
    expect([...ends.values()].every((end) => typeof end === 'number')).to.equal(true);
    expect(ends.size).to.equal(10);
  });

  it('does not take an object that changed meanwhile for slow', async () => {
    const { lanes } = makeLanes();
    const { signal } = new AbortController();
    const conflict = () => Promise.reject(new KubeError('conflict', 'changed'));
    await lanes.run(conflict, { key: 'a/1', signal }).catch(() => {});
    await settle();
    expect(lanes.isSlow('a/1')).to.equal(false);
  });

  it('BU-02: a thousand calls that wait listen to their signal once for each lane, and end with it', async () => {
    const { clock, lanes } = await warmed();
    const stopper = new AbortController();
    const codes: string[] = [];
    const hang = (cut: AbortSignal) =>
      new Promise<void>((_, reject) => {
        cut.addEventListener('abort', () => reject(new KubeError('aborted', 'cut')), { once: true });
      });
    for (let index = 0; index < 1_000; index++) {
      void lanes
        .run(hang, { key: `a/${index}`, signal: stopper.signal })
        .catch(({ code }: KubeError) => codes.push(code));
    }
    await clock.advance(50);
    const listening = () => getEventListeners(stopper.signal, 'abort').length;
    // Those of the budget, which wait, and those of the lanes, which are under way.
    expect(listening()).to.equal(2);
    stopper.abort();
    await settle();
    expect(codes).to.have.length(1_000);
    expect(new Set(codes)).to.deep.equal(new Set(['aborted']));
    expect(listening()).to.equal(0);
  });
});
