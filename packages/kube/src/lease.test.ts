// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { claimedSpec, observeLease, releasedSpec, waitForLeaseMs } from './lease.ts';
import type { Lease } from './object.ts';

const lease = (spec: Lease['spec'] = {}, resourceVersion = '1'): Lease => ({
  metadata: { namespace: 'berth-system', name: 'controller', uid: 'u', resourceVersion },
  spec,
});
const held = { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.000000Z' };

describe('observeLease', () => {
  it('keeps the time of the last change while the record is the same', () => {
    const first = observeLease(undefined, lease(held), 1_000);
    expect(observeLease(first, lease(held, '2'), 9_000).changedAt).to.equal(1_000);
    const renewed = { ...held, renewTime: '2026-01-01T00:00:05.000000Z' };
    expect(observeLease(first, lease(renewed), 9_000).changedAt).to.equal(9_000);
  });
});

describe('waitForLeaseMs', () => {
  const seen = observeLease(undefined, lease(held), 1_000);
  const cases = [
    { name: 'held by another: until the record is as old as its duration', observed: seen, now: 6_000, wait: 10_000 },
    { name: 'not renewed for its duration', observed: seen, now: 16_000, wait: 0 },
    { name: 'given back', observed: observeLease(undefined, lease({ holderIdentity: '' }), 0), now: 0, wait: 0 },
    { name: 'never held', observed: observeLease(undefined, lease(), 0), now: 0, wait: 0 },
  ];
  for (const { name, observed, now, wait } of cases) {
    it(name, () => expect(waitForLeaseMs(observed, 'b', now)).to.equal(wait));
  }
  it('is 0 for the holder itself', () => expect(waitForLeaseMs(seen, 'a', 2_000)).to.equal(0));
});

describe('claimedSpec and releasedSpec', () => {
  const claim = { leaseSeconds: 15, date: new Date('2026-01-01T00:00:07Z') };

  it('a renewal keeps acquireTime and counts no transition', () => {
    const before = { ...held, acquireTime: '2025-12-31T00:00:00.000000Z', leaseTransitions: 3 };
    expect(claimedSpec(before, { identity: 'a', ...claim })).to.deep.equal({
      ...before,
      renewTime: '2026-01-01T00:00:07.000000Z',
    });
  });

  it('a take-over sets acquireTime and counts a transition', () => {
    expect(claimedSpec({ ...held, leaseTransitions: 3 }, { identity: 'b', ...claim })).to.include({
      holderIdentity: 'b',
      acquireTime: '2026-01-01T00:00:07.000000Z',
      leaseTransitions: 4,
    });
  });

  it('a lease that is given back has no holder', () => {
    expect(releasedSpec(held, claim.date)).to.include({ holderIdentity: '', leaseDurationSeconds: 1 });
  });
});
