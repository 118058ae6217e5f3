// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Fence } from './fence.ts';
import { FakeClock } from './testing.ts';

/** A thread with a fence on the fake clock. */
class FakeThread {
  readonly #clock: FakeClock;
  #fenceMs = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get isSilent(): boolean {
    return this.#clock.now() >= this.#fenceMs;
  }

  renew(milliseconds: number): 'held' | 'expired' {
    if (this.isSilent) return 'expired';
    this.openFence(milliseconds);
    return 'held';
  }

  openFence(milliseconds: number): void {
    this.#fenceMs = this.#clock.now() + milliseconds;
  }

  expire(): void {
    this.#fenceMs = 0;
  }
}

function setUp() {
  const clock = new FakeClock();
  const thread = new FakeThread(clock);
  const expired: number[] = [];
  const fence = new Fence({
    thread,
    clock,
    fenceMs: 600,
    renewEveryMs: 100,
    onExpired: () => expired.push(clock.now()),
  });
  return { clock, thread, fence, expired };
}

describe('Fence', () => {
  it('keeps the thread answering while JavaScript runs', async () => {
    const { clock, thread, fence } = setUp();
    fence.open();
    await clock.advance(10_000);
    expect(thread.isSilent).to.equal(false);
    expect(fence.renewals).to.equal(100);
  });

  it('silences the thread at once when it is closed', async () => {
    const { clock, thread, fence } = setUp();
    fence.open();
    fence.close();
    expect(thread.isSilent).to.equal(true);
    await clock.advance(10_000);
    expect(thread.isSilent).to.equal(true);
  });

  it('leaves a thread silent whose renewal was late, and tells it once', async () => {
    const { clock, thread, fence, expired } = setUp();
    fence.open();
    thread.expire();
    await clock.advance(10_000);
    expect(thread.isSilent).to.equal(true);
    expect(expired).to.deep.equal([100]);
    expect(fence.expiries).to.equal(1);
    fence.open();
    expect(thread.isSilent).to.equal(false);
  });
});
