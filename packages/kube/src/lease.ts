// SPDX-License-Identifier: Apache-2.0

/**
 * The rules of leader election on a Lease, without I/O. As in client-go, a candidate never compares the wall clocks of
 * two machines: it notes by its own monotonic clock when it last saw the record change, and a holder that has not
 * changed its record for the whole duration written in it is gone.
 */

import type { Lease } from './object.ts';

/** The record as last seen, and when it last changed. */
export interface ObservedLease {
  readonly lease: Lease;
  /** Monotonic milliseconds of the observer. */
  readonly changedAt: number;
}

/** Returns the new observation: an unchanged record keeps the time at which it was first seen. */
export function observeLease(previous: ObservedLease | undefined, lease: Lease, now: number): ObservedLease {
  const isSame =
    previous !== undefined &&
    previous.lease.metadata.uid === lease.metadata.uid &&
    JSON.stringify(previous.lease.spec ?? {}) === JSON.stringify(lease.spec ?? {});
  return { lease, changedAt: isSame ? previous.changedAt : now };
}

/**
 * Returns the milliseconds until `identity` may try to take the lease: 0 when it is free, expired or its own already.
 */
export function waitForLeaseMs(observed: ObservedLease, identity: string, now: number): number {
  const { holderIdentity, leaseDurationSeconds } = observed.lease.spec ?? {};
  if (!holderIdentity || holderIdentity === identity) return 0;
  return Math.max(0, observed.changedAt + (leaseDurationSeconds ?? 0) * 1000 - now);
}

/** Returns the spec with which `identity` takes or renews the lease. */
export function claimedSpec(
  previous: Lease['spec'],
  claim: { readonly identity: string; readonly leaseSeconds: number; readonly date: Date },
): NonNullable<Lease['spec']> {
  const isRenewal = previous?.holderIdentity === claim.identity;
  const microTime = claim.date.toISOString().replace('Z', '000Z');
  return {
    holderIdentity: claim.identity,
    leaseDurationSeconds: claim.leaseSeconds,
    acquireTime: isRenewal ? (previous.acquireTime ?? microTime) : microTime,
    renewTime: microTime,
    leaseTransitions: (previous?.leaseTransitions ?? 0) + (isRenewal || !previous ? 0 : 1),
  };
}

/** Returns the spec with which the holder gives the lease back, so that the next one need not wait. */
export function releasedSpec(previous: Lease['spec'], date: Date): NonNullable<Lease['spec']> {
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    renewTime: date.toISOString().replace('Z', '000Z'),
    leaseTransitions: previous?.leaseTransitions ?? 0,
  };
}
