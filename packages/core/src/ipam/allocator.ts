// SPDX-License-Identifier: Apache-2.0
/**
 * The allocator: pools and ledger in memory, decisions about one Service at a time. Decisions change a draft;
 * {@link Allocator.writes} says how to make it durable, {@link Allocator.commit} or {@link Allocator.rollback} ends it.
 * Nothing that a decision gives may be shown before its writes have succeeded.
 *
 * A round: reset() with the ledger as read, adopt() what statuses hold, then again and again decide()/release() for any
 * number of Services, writes(), then commit() and the status patches. After a 409: read the ledger, reset(), adopt(), and
 * decide again.
 */
import type { Labels } from '../config/label-selector.ts';
import type { PoolConfig } from '../config/pool-config.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import type { Decision } from './decision.ts';
import type { LedgerObject, LedgerProblem, LedgerWrite } from './ledger-object.ts';

/** What decisions depend on besides the ledger: one immutable snapshot, swapped as a whole. */
export interface Surroundings {
  readonly config: PoolConfig;
  /** Labels of each namespace; a namespace that is not in here has none. */
  readonly namespaces: ReadonlyMap<string, Labels>;
}

export interface AdoptionReport {
  /** Services whose status addresses were taken over, since the ledger lacked them. */
  readonly adopted: readonly ServiceKey[];
  /** Status addresses that were not taken over, and why; these Services are to be decided and get other ones. */
  readonly rejected: readonly { readonly service: ServiceKey; readonly address: IpAddress; readonly message: string }[];
  /** Services of the ledger that are gone or no longer ours; their addresses are free. */
  readonly released: readonly ServiceKey[];
}

export class Allocator {
  constructor(_surroundings: Surroundings) {}

  /** Swaps pools and namespaces. Every Service keeps what it has; decide each of them again to learn what to say about it. */
  setSurroundings(_surroundings: Surroundings): void {
    throw new Error('core: to follow');
  }

  /** Forgets everything and starts from the ledger as it was read; drops the draft. No object at all: a lost or new ledger. */
  reset(_objects: readonly LedgerObject[]): readonly LedgerProblem[] {
    throw new Error('core: to follow');
  }

  /**
   * Takes over what statuses show and the ledger lacks, oldest Service first, before any new address is given; frees what
   * Services hold that are not among the requests. The list is that of all Services of ours that are not being deleted.
   * Services that are being deleted go through {@link Allocator.release}, name them in `departing`.
   */
  adopt(_all: {
    readonly requests: readonly ServiceRequest[];
    readonly departing: readonly ServiceKey[];
    readonly nowMs: number;
  }): AdoptionReport {
    throw new Error('core: to follow');
  }

  /**
   * Decides about one Service. What it holds it keeps, unless its own wishes or sharing terms changed. An address that it
   * gives up is freed only when its status no longer shows it, so it takes a second call after the status was written.
   */
  decide(_request: ServiceRequest, _nowMs: number): Decision {
    throw new Error('core: to follow');
  }

  /**
   * Frees all addresses of a Service that is gone, is being deleted or is no longer ours; returns them. Call it when its
   * status shows none of them any more, or the object is gone.
   */
  release(_service: ServiceKey, _nowMs: number): readonly IpAddress[] {
    throw new Error('core: to follow');
  }

  /** What a Service holds in the draft, also what it is about to give up. */
  addressesOf(_service: ServiceKey): readonly IpAddress[] {
    throw new Error('core: to follow');
  }

  /** Every Service that holds an address in the draft. */
  holders(): Iterable<ServiceKey> {
    throw new Error('core: to follow');
  }

  /** The compare-and-swap writes that make the draft durable, in order; empty when it changed nothing. */
  writes(): readonly LedgerWrite[] {
    throw new Error('core: to follow');
  }

  /** The draft is durable now: one new resourceVersion per write, in the order of {@link Allocator.writes}. */
  commit(_resourceVersions: readonly string[]): void {
    throw new Error('core: to follow');
  }

  /** The draft is dropped; the state is that of the last commit or reset. Only right when no write reached the server. */
  rollback(): void {
    throw new Error('core: to follow');
  }
}
