// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { mac } from '../testing.ts';
import { OwnFrames } from './own-frames.ts';

const BOOT = '00000000000000a0';
const HERE = 2;

function setting() {
  let last = 100;
  const frames = new OwnFrames({ nextCounter: () => ++last });
  frames.use({ port: 1, mac: mac(1) });
  frames.use({ port: HERE, mac: mac(2) });
  const other = (counter: number) => ({ bootId: BOOT, port: 1, mac: mac(1), counter });
  return { frames, other, next: () => ++last };
}

describe('OwnFrames', () => {
  it('RP-07: a frame that was recorded on another segment does not count, however often it comes', () => {
    const { frames, other } = setting();
    for (let nowMs = 0; nowMs < 5000; nowMs += 10) expect(frames.isLive(HERE, other(100), nowMs)).to.equal(false);
    expect(frames.isOld(HERE, other(100))).to.equal(true);
  });

  it('RP-07: neither do many recorded ones, one after the other', () => {
    const { frames, other } = setting();
    for (let counter = 1; counter <= 100; counter++)
      expect(frames.isLive(HERE, other(counter), counter)).to.equal(false);
  });

  it('an interface in the same segment is found by its second frame, and as long as it sends', () => {
    const { frames, other, next } = setting();
    const live = Array.from({ length: 40 }, (_, index) => frames.isLive(HERE, other(next()), 25 * index));
    expect(live[0]).to.equal(false);
    expect(live[1]).to.equal(true);
    expect(live.filter((one) => one).length).to.be.at.least(34);
  });

  it('RP-07: a recorded frame of an interface that had another MAC address since does not count', () => {
    const { frames } = setting();
    frames.use({ port: HERE, mac: mac(7) });
    const recorded = { bootId: BOOT, port: HERE, mac: mac(2), counter: 50 };
    for (let nowMs = 0; nowMs < 1000; nowMs += 10) expect(frames.isLive(HERE, recorded, nowMs)).to.equal(false);
  });

  it('a copy of this process counts from its second frame on, each frame once', () => {
    const { frames } = setting();
    const copy = (counter: number) => ({ bootId: BOOT, port: HERE, mac: mac(9), counter });
    expect([60, 61, 61, 60, 62].map((counter) => frames.isLive(HERE, copy(counter), 0))).to.deep.equal([
      ...[false, true, false, false, true],
    ]);
  });
});
