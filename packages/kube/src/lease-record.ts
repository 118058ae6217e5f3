// SPDX-License-Identifier: Apache-2.0

/** The requests that one candidate makes about its Lease. */

import type { Clock } from '@berth/runtime';
import type { KubeApi } from './api.ts';
import type { KubeError } from './errors.ts';
import { claimedSpec, releasedSpec } from './lease.ts';
import type { Lease, ObjectName } from './object.ts';
import { leases } from './resources.ts';

/** Longest wait for giving the Lease back, in milliseconds: a process that ends has better things to do. */
const RELEASE_MS = 2_000;

export interface LeaseRecordOptions {
  readonly api: KubeApi;
  readonly lease: ObjectName;
  /** Unique among the candidates. */
  readonly identity: string;
  readonly leaseSeconds: number;
  readonly clock: Clock;
  readonly onError?: (error: KubeError) => void;
}

export class LeaseRecord {
  readonly #options: LeaseRecordOptions;

  constructor(options: LeaseRecordOptions) {
    this.#options = options;
  }

  read(signal: AbortSignal): Promise<Lease> {
    return this.#options.api.get(leases, this.#options.lease, { signal });
  }

  /** One compare-and-swap to our name. */
  claim(seen: Lease | undefined, signal: AbortSignal): Promise<Lease> {
    const { api, lease, identity, leaseSeconds, clock } = this.#options;
    const spec = claimedSpec(seen?.spec, { identity, leaseSeconds, date: clock.date() });
    return seen
      ? api.replace(leases, { ...seen, spec }, { signal })
      : api.create(leases, { metadata: lease, spec }, { signal });
  }

  /** Gives the Lease back where it is ours. */
  async release(seen: Lease | undefined): Promise<void> {
    if (!seen || seen.spec?.holderIdentity !== this.#options.identity) return;
    const limit = new AbortController();
    const timer = this.#options.clock.after(RELEASE_MS, () => limit.abort());
    try {
      const spec = releasedSpec(seen.spec, this.#options.clock.date());
      await this.#options.api.replace(leases, { ...seen, spec }, { signal: limit.signal });
    } catch (error) {
      // Best effort during shutdown: the lease runs out by itself.
      this.#options.onError?.(error as KubeError);
    } finally {
      timer.cancel();
    }
  }
}
