// SPDX-License-Identifier: Apache-2.0
import { type Timing, timingOf } from '@berth/core';
import type { Clock, Timer } from '@berth/kube';
import { expect } from 'chai';
import { Beats } from './beats.ts';

/** Time passes only when it is told to, and timers run only then, however late. */
class LateClock implements Clock {
  nowMs = 0;
  #timer: { readonly dueMs: number; readonly callback: () => void } | undefined;

  now(): number {
    return this.nowMs;
  }

  date(): Date {
    return new Date(0);
  }

  after(delayMs: number, callback: () => void): Timer {
    this.#timer = { dueMs: this.nowMs + delayMs, callback };
    return {
      cancel: () => {
        this.#timer = undefined;
      },
    };
  }

  /** Runs the timer that is due after this time; it is called late if it was due before. */
  pass(milliseconds: number): void {
    this.nowMs += milliseconds;
    const timer = this.#timer;
    if (timer === undefined || timer.dueMs > this.nowMs) return;
    this.#timer = undefined;
    timer.callback();
  }
}

function timing(): Timing {
  const found = timingOf({ processFenceMs: 'answer-fence' });
  if (!found.ok) throw new Error(found.problems.join());
  return found.timing;
}

/** The answering thread as a list of what it was told. */
function setUp(options: { send?: () => boolean; renew?: () => 'held' | 'expired' } = {}) {
  const clock = new LateClock();
  const told: string[] = [];
  const beats = new Beats({
    timing: timing(),
    clock,
    answerer: {
      renew: (milliseconds) => {
        told.push(`renew ${milliseconds}`);
        return options.renew?.() ?? 'held';
      },
      openFence: (milliseconds) => told.push(`open ${milliseconds}`),
      expire: () => told.push('expire'),
    },
    paceMs: () => 25,
    send: options.send ?? (() => true),
    onLapsed: () => told.push('lapsed'),
  });
  beats.tableIsRight();
  return { clock, told, beats };
}

describe('Beats', () => {
  it('lets the node answer for three quarters of the time after which peers take over', () => {
    const { clock, told, beats } = setUp();
    beats.start();
    clock.pass(25);
    clock.pass(25);
    expect(told).to.deep.equal(['open 150', 'renew 150', 'renew 150']);
  });

  it('counts the time that sending takes against the fence', () => {
    const late = { clock: undefined as LateClock | undefined };
    const { clock, told, beats } = setUp({
      send: () => {
        if (late.clock) late.clock.nowMs += 10;
        return true;
      },
    });
    late.clock = clock;
    beats.start();
    expect(told).to.deep.equal(['open 140']);
  });

  it('does not renew for a heartbeat that did not go out', () => {
    const { clock, told, beats } = setUp({ send: () => false });
    beats.start();
    clock.pass(25);
    expect(told).to.deep.equal([]);
  });

  it('does not renew while the table may hold what was given up', () => {
    const { clock, told, beats } = setUp();
    beats.rearm();
    beats.start();
    clock.pass(25);
    expect(told).to.deep.equal(['expire']);
    beats.tableIsRight();
    clock.pass(25);
    expect(told).to.deep.equal(['expire', 'open 150']);
  });

  it('FO-05: lapses when a round comes too late, and sends and renews nothing until it is armed again', () => {
    const sent: number[] = [];
    const { clock, told, beats } = setUp({ send: () => sent.push(1) > 0 });
    beats.start();
    clock.pass(150);
    clock.pass(25);
    expect(sent).to.have.length(1);
    expect(told).to.deep.equal(['open 150', 'lapsed', 'lapsed']);
    beats.rearm();
    beats.tableIsRight();
    clock.pass(25);
    expect(told.slice(3)).to.deep.equal(['expire', 'open 150']);
    expect(beats.takeLatest()).to.equal(125);
  });

  it('lapses when the answering thread says that its fence ran out', () => {
    const { clock, told, beats } = setUp({ renew: () => 'expired' });
    beats.start();
    clock.pass(25);
    expect(told).to.deep.equal(['open 150', 'renew 150', 'lapsed']);
  });

  it('keeps its pace although timers are late', () => {
    const sent: number[] = [];
    const { clock, beats } = setUp({ send: () => sent.push(clock.nowMs) > 0 });
    beats.start();
    for (let passed = 0; passed < 100; passed++) clock.pass(3);
    expect(sent.length).to.be.within(12, 13);
  });

  it('silences the node when it stops', () => {
    const { clock, told, beats } = setUp();
    beats.start();
    beats.stop();
    clock.pass(25);
    expect(told).to.deep.equal(['open 150', 'expire']);
  });
});
