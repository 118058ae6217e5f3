// SPDX-License-Identifier: Apache-2.0
import { type Timing, timingOf } from '@berth/core';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { type BeatFrame, NativeBeats, type NativeBeatsOptions } from './native-beats.ts';

function timing(): Timing {
  const found = timingOf();
  if (!found.ok) throw new Error(found.problems.join());
  return found.timing;
}

const KEY = { inner: new Uint8Array(64), outer: new Uint8Array(64) };

/** The thread as a list of what it was told, in order. */
function setUp(measures?: NativeBeatsOptions['measures']) {
  const told: string[] = [];
  const clock = new FakeClock();
  const state = {
    isLapsed: false,
    lapses: 0,
    frames: [frame(2)] as BeatFrame[],
    refuse: undefined as Error | undefined,
  };
  const beats = new NativeBeats({
    timing: timing(),
    ...{ clock, measures },
    answerer: { expire: () => told.push('expire') },
    thread: {
      pace: (intervalMs, answerMs) => told.push(`pace ${intervalMs} ${answerMs}`),
      setFrame: (ifindex) => {
        if (state.refuse) throw state.refuse;
        told.push(`frame ${ifindex}`);
      },
      detach: (ifindex) => told.push(`detach ${ifindex}`),
      renew: (milliseconds) => told.push(`renew ${milliseconds}`),
      hold: () => told.push('hold'),
      release: () => told.push('release'),
      report: () => ({ rounds: 7, lapses: state.lapses, latestMs: 3, isLapsed: state.isLapsed }),
      close: () => told.push('close'),
    },
    paceMs: () => 25,
    frames: () => state.frames,
    onLapsed: () => told.push('lapsed'),
    onFailed: (ifindex, error) => told.push(`failed ${ifindex} ${(error as Error).message}`),
  });
  return { beats, clock, told, state };
}

function frame(ifindex: number): BeatFrame {
  return { ifindex, frame: new Uint8Array(94), key: KEY };
}

describe('NativeBeats', () => {
  it('holds the fence until the table is right, and says once an interval that it is well', async () => {
    const { beats, clock, told } = setUp();
    beats.start();
    await clock.advance(25);
    expect(told).to.deep.equal(['hold', 'pace 25 150', 'renew 500', 'frame 2', 'renew 500']);
    expect(beats.takeLatest()).to.equal(3);
  });

  it('FO-10: takes a decision for a sign of life, but for no end of a lapse', async () => {
    const { beats, told, state } = setUp();
    beats.decided();
    expect(told, 'before it was started').to.deep.equal([]);
    beats.start();
    told.length = 0;
    state.isLapsed = true;
    beats.decided();
    expect(told).to.deep.equal(['renew 500']);
    beats.stop();
    told.length = 0;
    beats.decided();
    expect(told, 'after it was stopped').to.deep.equal([]);
  });

  it('measures how late the heartbeats of an interval were, where some went out', async () => {
    const late: number[] = [];
    const { beats, clock } = setUp({ heartbeatLate: (milliseconds) => late.push(milliseconds) });
    beats.start();
    // The thread counts no more rounds after the first look.
    await clock.advance(75);
    expect(late).to.deep.equal([3]);
  });

  it('gives the thread a frame that is another one within an interval', async () => {
    const { beats, clock, told, state } = setUp();
    beats.start();
    state.frames = [frame(2)];
    await clock.advance(100);
    expect(told.filter((one) => one === 'frame 2')).to.have.length(2);
  });

  it('lets the thread open the fence only after the caller has brought the table in line', async () => {
    const { beats, clock, told } = setUp();
    beats.start();
    told.length = 0;
    beats.tableIsRight();
    expect(told).to.deep.equal([]);
    await clock.advance(1);
    expect(told).to.deep.equal(['release']);
  });

  it('holds the thread before it closes the fence, and forgets a release that was due', async () => {
    const { beats, clock, told } = setUp();
    beats.start();
    told.length = 0;
    beats.tableIsRight();
    beats.rearm();
    await clock.advance(1);
    expect(told).to.deep.equal(['hold', 'expire']);
  });

  it('sees to a lapse of the thread', async () => {
    const { beats, clock, told, state } = setUp();
    beats.start();
    Object.assign(state, { isLapsed: true, lapses: 1 });
    await clock.advance(25);
    expect(told).to.include('lapsed');
    expect(beats.lapses).to.equal(1);
  });

  it('FO-09: counts no late heartbeat while there is nothing to send on, and those before and after that', async () => {
    const { beats, clock, told, state } = setUp();
    beats.start();
    Object.assign(state, { lapses: 1 });
    await clock.advance(25);
    // The cable is out: the thread lapses, and is told to go on from there all the same.
    Object.assign(state, { isLapsed: true, lapses: 2, frames: [] });
    await clock.advance(25);
    expect([told.includes('lapsed'), beats.lapses]).to.deep.equal([true, 1]);
    Object.assign(state, { lapses: 3, frames: [frame(2)] });
    await clock.advance(25);
    expect(beats.lapses).to.equal(2);
    expect(beats.lapsedSeconds).to.have.length(2);
  });

  it('sends nothing more on an interface that is gone', () => {
    const { beats, told, state } = setUp();
    beats.start();
    state.frames = [frame(3)];
    told.length = 0;
    beats.framesChanged();
    expect(told).to.deep.equal(['detach 2', 'frame 3']);
  });

  it('reports an interface that cannot be sent on once, and goes on', async () => {
    const { beats, clock, told, state } = setUp();
    const failures = () => told.filter((one) => one === 'failed 2 ENODEV').length;
    state.refuse = new Error('ENODEV');
    beats.start();
    await clock.advance(100);
    expect(failures()).to.equal(1);
    state.refuse = undefined;
    await clock.advance(25);
    expect(told.at(-1)).to.equal('frame 2');
    state.frames = [frame(2)];
    state.refuse = new Error('ENODEV');
    await clock.advance(25);
    expect(failures()).to.equal(2);
  });

  it('is silent once it has stopped', async () => {
    const { beats, clock, told } = setUp();
    beats.start();
    told.length = 0;
    beats.stop();
    await clock.advance(100);
    expect(told).to.deep.equal(['hold', 'expire', 'close']);
  });
});
