// SPDX-License-Identifier: Apache-2.0
import type { AnnouncedFinding, KubeCondition } from '@berth/core';
import type { Service } from '@berth/kube';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { AnnouncedGrace } from './announced-grace.ts';

const GAIN: AnnouncedFinding = { status: 'True', reason: 'Announced', message: '', announced: [] };
const LOSS: AnnouncedFinding = { status: 'False', reason: 'NotHeard', message: '', announced: [] };

function saying(status?: KubeCondition['status']): Service {
  const announced = { type: 'berth.dev/Announced', reason: 'Test', message: '', lastTransitionTime: '' };
  const conditions = status === undefined ? [] : [{ ...announced, status }];
  return { metadata: { namespace: 'shop', name: 'web' }, status: { conditions } };
}

describe('AnnouncedGrace', () => {
  const rows: {
    name: string;
    atMs: number;
    present?: KubeCondition['status'];
    finding: AnnouncedFinding;
    isProven?: boolean;
    isWaiting?: boolean;
    leftMs: number;
  }[] = [
    { name: 'nothing to wait for where nothing is said', atMs: 0, finding: LOSS, leftMs: 0 },
    { name: 'the whole warm-up for a loss at the start', atMs: 0, present: 'True', finding: LOSS, leftMs: 12_000 },
    { name: 'the grace for a loss later on', atMs: 60_000, present: 'True', finding: LOSS, leftMs: 3_000 },
    { name: 'the warm-up for a claim of an old Lease', atMs: 2_000, present: 'False', finding: GAIN, leftMs: 10_000 },
    { name: 'nothing for a proven claim', atMs: 0, present: 'False', finding: GAIN, isProven: true, leftMs: 0 },
    {
      name: 'the warm-up while nodes are not heard',
      ...{ atMs: 0, isWaiting: true },
      present: 'False',
      finding: LOSS,
      leftMs: 12_000,
    },
    { name: 'nothing once all are heard', atMs: 0, present: 'False', finding: LOSS, leftMs: 0 },
  ];
  for (const { name, atMs, present, finding, isProven = false, isWaiting = false, leftMs } of rows) {
    it(`leaves ${name}`, async () => {
      const clock = new FakeClock();
      const grace = new AnnouncedGrace(clock);
      await clock.advance(atMs);
      expect(grace.leftMs(saying(present), finding, { isWaiting, isProven: () => isProven })).to.equal(leftMs);
    });
  }

  it('counts from the first look at a loss, and anew after a gain', async () => {
    const clock = new FakeClock();
    const grace = new AnnouncedGrace(clock);
    const proof = { isWaiting: false, isProven: () => true };
    const left = (finding: AnnouncedFinding) => grace.leftMs(saying('True'), finding, proof);
    await clock.advance(60_000);
    left(LOSS);
    await clock.advance(2_000);
    expect(left(LOSS)).to.equal(1_000);
    left(GAIN);
    expect(left(LOSS)).to.equal(3_000);
    await clock.advance(3_000);
    expect(left(LOSS)).to.equal(0);
  });
});
