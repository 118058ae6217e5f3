// SPDX-License-Identifier: Apache-2.0

import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ApiBudget } from './api-budget.ts';
import { KubeError } from './errors.ts';

const busy = (retryAfterMs?: number) => new KubeError('too-many-requests', 'busy', { retryAfterMs });

function makeBudget(maxConcurrency = 4) {
  const clock = new FakeClock();
  return { clock, budget: new ApiBudget({ clock, maxConcurrency, random: () => 0 }) };
}

/** Calls that end when the test says so. */
function openCalls() {
  const open: (() => void)[] = [];
  return { open, call: () => new Promise<void>((resolve) => open.push(resolve)) };
}

describe('ApiBudget', () => {
  it('runs no more calls at a time than allowed', async () => {
    const { budget } = makeBudget();
    const { open, call } = openCalls();
    const all = Array.from({ length: 6 }, () => budget.run(call));
    await settle();
    expect(open).to.have.length(4);
    open[0]?.();
    await settle();
    expect(open).to.have.length(5);
    for (let n = 0; n < 6; n += 1) {
      open[n]?.();
      await settle();
    }
    await Promise.all(all);
  });

  it('lets normal calls go before low ones', async () => {
    const { budget } = makeBudget(1);
    const order: string[] = [];
    const note = (name: string) => async () => {
      order.push(name);
    };
    await Promise.all([
      budget.run(note('first')),
      budget.run(note('event'), { priority: 'low' }),
      budget.run(note('status')),
    ]);
    expect(order).to.deep.equal(['first', 'status', 'event']);
  });

  it('halves itself on 429, waits as asked, tries again, and grows back', async () => {
    const { budget, clock } = makeBudget();
    let attempts = 0;
    const result = budget.run(async () => {
      attempts += 1;
      if (attempts === 1) throw busy(2_000);
      return 'done';
    });
    await clock.advance(1_999);
    expect(attempts).to.equal(1);
    expect(budget.limit).to.equal(2);
    await clock.advance(1);
    expect(await result).to.equal('done');
    for (let n = 0; n < 10; n += 1) await budget.run(async () => {});
    expect(budget.limit).to.equal(4);
  });

  it('counts refusals of the same moment as one', async () => {
    const { budget, clock } = makeBudget(8);
    let isBusy = true;
    const all = Array.from({ length: 8 }, () =>
      budget.run(async () => {
        if (isBusy) throw busy(1_000);
      }),
    );
    await settle();
    expect(budget.limit).to.equal(4);
    isBusy = false;
    await clock.advance(1_000);
    await Promise.all(all);
  });

  it('gives other errors to the caller at once, and 429 after ten tries', async () => {
    const { budget, clock } = makeBudget();
    const conflict = await budget
      .run(async () => {
        throw new KubeError('conflict', 'x');
      })
      .catch((error: unknown) => error);
    expect(conflict).to.have.property('code', 'conflict');
    let tries = 0;
    const busyForEver = budget
      .run(async () => {
        tries += 1;
        throw busy();
      })
      .catch((error: unknown) => error);
    await clock.advance(200_000);
    expect(await busyForEver).to.have.property('code', 'too-many-requests');
    expect(tries).to.equal(10);
  });

  it('rejects a waiting call whose signal is aborted', async () => {
    const { budget } = makeBudget(1);
    const { open, call } = openCalls();
    const running = budget.run(call);
    const stopper = new AbortController();
    const waiting = budget.run(call, { signal: stopper.signal }).catch((error: unknown) => error);
    stopper.abort();
    expect(await waiting).to.have.property('code', 'aborted');
    open[0]?.();
    await running;
  });

  it('lets groups take turns', async () => {
    const { budget } = makeBudget(1);
    const order: string[] = [];
    const note = (name: string) => async () => {
      order.push(name);
    };
    const many = [1, 2, 3].map((index) => budget.run(note(`a${index}`), { group: 'a' }));
    await Promise.all([...many, budget.run(note('b1'), { group: 'b' })]);
    expect(order).to.deep.equal(['a1', 'a2', 'b1', 'a3']);
  });

  it('counts a call that is late no longer, and gives its place back once', async () => {
    const { budget, clock } = makeBudget(1);
    const { open, call } = openCalls();
    let isTold = false;
    const onLate = () => {
      isTold = true;
    };
    const late = budget.run(call, { lateAfterMs: 50, onLate });
    const next = budget.run(call);
    await clock.advance(49);
    expect([open.length, isTold]).to.deep.equal([1, false]);
    await clock.advance(1);
    expect([open.length, isTold]).to.deep.equal([2, true]);
    open[0]?.();
    await late;
    const third = budget.run(call);
    await settle();
    expect(open, 'the place of the second is still taken').to.have.length(2);
    open[1]?.();
    await next;
    await settle();
    open[2]?.();
    await third;
  });

  it('takes a place for a call that runs already, where one is free', () => {
    const { budget } = makeBudget(1);
    const leave = budget.takePlace();
    expect(budget.takePlace()).to.equal(undefined);
    leave?.();
    leave?.();
    expect([budget.takePlace() !== undefined, budget.takePlace()]).to.deep.equal([true, undefined]);
  });
});
