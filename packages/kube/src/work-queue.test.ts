// SPDX-License-Identifier: Apache-2.0

import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { WorkQueue } from './work-queue.ts';

function makeQueue(): { queue: WorkQueue; clock: FakeClock } {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock, backoff: { baseMs: 5_000, capMs: 300_000, jitter: 0 } }) };
}

describe('WorkQueue', () => {
  it('hands out a key once, however often it was added', async () => {
    const { queue } = makeQueue();
    queue.add('a');
    queue.add('a');
    queue.add('b');
    expect(await queue.take({ max: 10 })).to.deep.equal(['a', 'b']);
  });

  it('never hands out a key that is being worked on, and does so again afterwards', async () => {
    const { queue } = makeQueue();
    queue.add('a');
    await queue.take();
    queue.add('a');
    expect(queue.size).to.equal(0);
    queue.done('a');
    expect(await queue.take()).to.deep.equal(['a']);
    queue.done('a');
    expect(queue.size).to.equal(0);
  });

  it('hands out by priority, then by arrival', async () => {
    const { queue } = makeQueue();
    queue.add('n1');
    queue.add('l1', 'low');
    queue.add('h1', 'high');
    queue.add('n2');
    expect(await queue.take({ max: 10 })).to.deep.equal(['h1', 'n1', 'n2', 'l1']);
  });

  it('raises the priority of a waiting key and never lowers it', async () => {
    const { queue } = makeQueue();
    queue.add('a', 'low');
    queue.add('b');
    queue.add('a', 'high');
    queue.add('a', 'low');
    expect(await queue.take({ max: 10 })).to.deep.equal(['a', 'b']);
  });

  it('waits for a key', async () => {
    const { queue } = makeQueue();
    const taken = queue.take();
    await settle();
    queue.add('late');
    expect(await taken).to.deep.equal(['late']);
  });

  it('gives nothing after abort and after shutdown', async () => {
    const { queue } = makeQueue();
    const stopper = new AbortController();
    const first = queue.take({ signal: stopper.signal });
    stopper.abort();
    expect(await first).to.equal(undefined);
    const second = queue.take();
    queue.shutDown();
    queue.add('a');
    expect(await second).to.equal(undefined);
  });

  it('gives what there is after a nudge, be it nothing, and once', async () => {
    const { queue } = makeQueue();
    queue.nudge();
    expect([queue.size, queue.isIdle]).to.deep.equal([0, false]);
    expect(await queue.take({ max: 10 })).to.deep.equal([]);
    expect(queue.isIdle).to.equal(true);
    queue.add('a');
    queue.nudge();
    expect(await queue.take({ max: 10 })).to.deep.equal(['a']);
    const next = queue.take();
    await settle();
    queue.nudge();
    expect(await next).to.deep.equal([]);
  });

  it('LC-19: delays a failing key from the least to the most', () => {
    const { queue } = makeQueue();
    const delays = Array.from({ length: 9 }, () => queue.retry('a') / 1000);
    expect(delays).to.deep.equal([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  });

  it('ER-05: by default no key waits 10 s for its next try', () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    const delays = Array.from({ length: 50 }, () => queue.retry('a'));
    expect(delays[0]).to.be.within(1_000, 1_100);
    expect(Math.max(...delays)).to.be.within(8_000, 9_000);
  });

  it('ER-02: 1,000 failing keys try ten times a second, and the first that goes through brings all others', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const keys = Array.from({ length: 1_000 }, (_, n) => `key-${n}`);
    for (let round = 0; round < 3; round += 1) for (const key of keys) queue.retry(key);
    expect(queue.retry('key-0')).to.be.at.least(100_000);
    expect(queue.size).to.equal(0);
    queue.forget('key-7');
    expect(queue.size).to.equal(999);
    expect(queue.failing).to.equal(999);
  });

  it('ER-02: one key that goes through again and again does not bring the others each time', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const release = async () => {
      queue.retry('flapping');
      queue.forget('flapping');
      const taken = (queue.size > 0 ? await queue.take({ max: 10 }) : []) ?? [];
      for (const key of taken) [queue.done(key), queue.retry(key)];
      return taken.length;
    };
    queue.retry('broken');
    expect([await release(), await release(), await release()]).to.deep.equal([1, 0, 0]);
  });

  it('waits at least as long as the server asked for', () => {
    const { queue } = makeQueue();
    expect(queue.retry('a', 60_000)).to.equal(60_000);
  });

  it('starts over after success', () => {
    const { queue } = makeQueue();
    queue.retry('a');
    queue.retry('a');
    queue.forget('a');
    expect(queue.retry('a')).to.equal(5_000);
  });

  it('adds a delayed key when it is due, at the earliest of its delays', async () => {
    const { queue, clock } = makeQueue();
    queue.addAfter('a', 8_000);
    queue.addAfter('a', 3_000);
    queue.addAfter('a', 9_000);
    await clock.advance(2_999);
    expect(queue.size).to.equal(0);
    await clock.advance(1);
    expect(queue.size).to.equal(1);
    expect(clock.pendingTimers).to.equal(0);
  });

  it('drops the later turn of a key that is worked on now', async () => {
    const { queue, clock } = makeQueue();
    queue.addAfter('a', 8_000);
    queue.add('a');
    await queue.take();
    queue.done('a');
    await clock.advance(10_000);
    expect(queue.size).to.equal(0);
  });
});
