// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { KubeError } from './errors.ts';
import { ReconcileLoop, type ReconcileResult, resultOf, success } from './reconcile-loop.ts';
import { FakeClock, settle } from './testing/index.ts';
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

  it('aborts the batch under way on stop and retries nothing', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const loop = new ReconcileLoop({
      name: 'test',
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
  it('retries what may pass', () => {
    for (const code of [
      'conflict',
      'gone',
      'server',
      'network',
      'timeout',
      'too-many-requests',
      'forbidden',
    ] as const) {
      expect(resultOf(new KubeError(code, 'x')).kind).to.equal('error');
    }
  });
  it('LC-19: drops what is not there', () => {
    expect(resultOf(new KubeError('not-found', 'x'))).to.equal(success);
  });
  it('does not retry what stays wrong', () => {
    expect(resultOf(new KubeError('invalid', 'x')).kind).to.equal('error-no-retry');
  });
});
