// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { FakeClock } from './fake-clock.ts';

describe('FakeClock', () => {
  it('runs timers in the order in which they are due, those of one time in the order in which they were set', () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    for (const [name, delayMs] of [
      ['d', 30],
      ['a', 10],
      ['c', 20],
      ['b', 10],
    ] as const)
      clock.after(delayMs, () => ran.push(`${name}@${clock.now()}`));
    clock.runUntil(25);
    expect(ran).to.deep.equal(['a@10', 'b@10', 'c@20']);
    expect([clock.now(), clock.pendingTimers]).to.deep.equal([25, 1]);
  });

  it('runs no cancelled timer, and counts it once', () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    const timer = clock.after(10, () => ran.push('cancelled'));
    clock.after(10, () => ran.push('left'));
    timer.cancel();
    timer.cancel();
    expect(clock.pendingTimers).to.equal(1);
    clock.runUntil(10);
    timer.cancel();
    expect([ran, clock.pendingTimers]).to.deep.equal([['left'], 0]);
  });

  it('runs a timer late after a busy time, and never turns back', async () => {
    const clock = new FakeClock(new Date(0));
    const ran: number[] = [];
    clock.after(10, () => ran.push(clock.now()));
    clock.pass(50);
    expect(ran).to.deep.equal([]);
    await clock.advance(5);
    expect([ran, clock.now(), clock.date().getTime()]).to.deep.equal([[50], 55, 55]);
  });

  it('lets promises go on between two timers', async () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    clock.after(1, () => void Promise.resolve().then(() => ran.push('after the first')));
    clock.after(2, () => ran.push('second'));
    await clock.advance(2);
    expect(ran).to.deep.equal(['after the first', 'second']);
  });
});
