// SPDX-License-Identifier: Apache-2.0

import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { KubeError } from './errors.ts';
import { ReconcileLoop, type ReconcileResult, resultOf, success } from './reconcile-loop.ts';
import { WorkQueue } from './work-queue.ts';

const error = new Error('pool is full');

/** A loop over the keys a, b, c that gives `answers[key]` in turn, then success. */
function makeLoop(
  answers: Record<string, ReconcileResult[]>,
  options: { maxBatch?: number; onIdle?: () => void } = {},
) {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, backoff: { baseMs: 5_000, capMs: 300_000, jitter: 0 } });
  const seen: string[] = [];
  const loop = new ReconcileLoop({
    name: 'test',
    clock,
    queue,
    maxBatch: 1,
    ...options,
    allKeys: () => ['a', 'b', 'c'],
    reconcile: async (keys) => {
      seen.push(keys.join('+'));
      return new Map(keys.map((key) => [key, answers[key]?.shift() ?? success]));
    },
  });
  return { clock, queue, loop, seen };
}

describe('ReconcileLoop', () => {
  it('tells when nothing is left to do', async () => {
    const idleAfter: string[] = [];
    const { queue, loop, seen } = makeLoop({}, { onIdle: () => idleAfter.push(seen.join()) });
    for (const key of ['a', 'b']) queue.add(key);
    loop.start();
    await settle();
    expect(idleAfter).to.deep.equal(['a,b']);
    await loop.stop();
  });

  it('makes a batch without a key after a nudge, and tells when that is over', async () => {
    const idleAfter: string[] = [];
    const { queue, loop, seen } = makeLoop({}, { onIdle: () => idleAfter.push(seen.join()) });
    loop.start();
    queue.nudge();
    await settle();
    expect([seen, idleAfter]).to.deep.equal([[''], ['']]);
    queue.add('a');
    await settle();
    expect(seen).to.deep.equal(['', 'a']);
    await loop.stop();
  });

  it('HA-03: retries a key after "error"', async () => {
    const { clock, queue, loop, seen } = makeLoop({ a: [{ kind: 'error', error }] });
    loop.start();
    queue.add('a');
    await clock.advance(4_999);
    expect(seen).to.deep.equal(['a']);
    await clock.advance(1);
    expect(seen).to.deep.equal(['a', 'a']);
    await loop.stop();
  });

  it('HA-03: leaves a key alone after "error, no retry" until it is added again', async () => {
    const { clock, queue, loop, seen } = makeLoop({ a: [{ kind: 'error-no-retry', error }] });
    loop.start();
    queue.add('a');
    await clock.advance(3_600_000);
    expect(seen).to.deep.equal(['a']);
    queue.add('a');
    await settle();
    expect(seen).to.deep.equal(['a', 'a']);
    await loop.stop();
  });

  it('ER-03: looks at a key again at once when its object changed, then ever more rarely', async () => {
    const changed: ReconcileResult = { kind: 'changed', error };
    const { clock, queue, loop, seen } = makeLoop({ a: Array.from({ length: 1_000 }, () => changed) });
    loop.start();
    queue.add('a');
    await settle();
    expect(seen).to.deep.equal(['a', 'a']);
    await clock.advance(60_000);
    expect(seen.length).to.be.within(12, 25);
    await loop.stop();
  });

  it('HA-03: makes one full pass after "reprocess all"', async () => {
    const { clock, queue, loop, seen } = makeLoop({ b: [{ kind: 'reprocess-all' }] });
    loop.start();
    queue.add('b');
    await clock.advance(3_600_000);
    expect(seen).to.deep.equal(['b', 'a', 'c', 'b']);
    await loop.stop();
  });

  it('works in batches', async () => {
    const { queue, loop, seen } = makeLoop({}, { maxBatch: 2 });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    loop.start();
    await settle();
    expect(seen).to.deep.equal(['a+b', 'c']);
    await loop.stop();
  });

  it('ER-02: a key whose outcome is open holds up neither its batch nor the next one', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const seen: string[] = [];
    let end = (_: ReconcileResult) => {};
    const slow = new Promise<ReconcileResult>((resolve) => {
      end = resolve;
    });
    const loop = new ReconcileLoop({
      name: 'test',
      clock,
      queue,
      maxBatch: 10,
      allKeys: () => [],
      reconcile: async (keys) => {
        seen.push(keys.join('+'));
        return new Map(keys.map((key) => [key, key === 'slow' && seen.length === 1 ? slow : success]));
      },
    });
    for (const key of ['a', 'slow', 'b']) queue.add(key);
    loop.start();
    await settle();
    for (const key of ['a', 'slow', 'b']) queue.add(key);
    await settle();
    expect(seen).to.deep.equal(['a+slow+b', 'a+b']);
    end(success);
    await settle();
    expect(seen).to.deep.equal(['a+slow+b', 'a+b', 'slow']);
    await loop.stop();
  });

  it('rests after a batch, so that keys gather for the next one', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const seen: string[] = [];
    const loop = new ReconcileLoop({
      name: 'test',
      queue,
      clock,
      maxBatch: 10,
      restMs: () => 20,
      allKeys: () => [],
      reconcile: async (keys) => {
        seen.push(keys.join('+'));
        return new Map();
      },
    });
    loop.start();
    queue.add('a');
    await settle();
    queue.add('b');
    await clock.advance(10);
    queue.add('c');
    await clock.advance(9);
    expect(seen).to.deep.equal(['a']);
    await clock.advance(1);
    expect(seen).to.deep.equal(['a', 'b+c']);
    await loop.stop();
  });

  it('aborts the batch under way on stop and retries nothing', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const loop = new ReconcileLoop({
      name: 'test',
      clock,
      queue,
      allKeys: () => [],
      reconcile: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new KubeError('aborted', 'stopped')));
        }),
    });
    loop.start();
    queue.add('a');
    await settle();
    await loop.stop();
    expect(clock.pendingTimers).to.equal(0);
  });
});

describe('resultOf', () => {
  it('ER-01: retries what may pass, also what was refused', () => {
    for (const code of ['gone', 'server', 'network', 'timeout', 'too-many-requests', 'forbidden', 'invalid'] as const) {
      expect(resultOf(new KubeError(code, 'x')).kind).to.equal('error');
    }
  });
  it('LC-19: drops what is not there', () => {
    expect(resultOf(new KubeError('not-found', 'x'))).to.equal(success);
  });
  it('ER-03: looks again at what changed', () => {
    expect(resultOf(new KubeError('conflict', 'x')).kind).to.equal('changed');
  });
});
