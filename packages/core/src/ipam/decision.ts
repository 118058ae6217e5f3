// SPDX-License-Identifier: Apache-2.0
/** What the allocator says about one Service: the addresses it has from now on, and why it has these or none. */
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';

/** Why a wish could not be met. */
export type RefusalReason =
  /** Nothing free in any pool that the Service may use. */
  | 'OutOfAddresses'
  /** The address that it asks for belongs to another Service. */
  | 'AlreadyAllocated'
  /** Somebody who is no Service uses the address that it asks for, as a node found out. */
  | 'AddressInUse'
  /** A namespace or selector of the pool excludes the Service: permanent until pool, namespace or Service change. */
  | 'SelectorMismatch'
  /** No such pool, no pool with this address, or no pool that gives addresses by itself. */
  | 'NoPool'
  /** The address is excluded, or ends in .0 or .255 in a pool with avoidBuggyIPs. */
  | 'AddressExcluded'
  /** The address is kept for another Service. */
  | 'AddressReserved'
  /** The address was freed a moment ago and rests; see {@link Decision.retryAtMs}. */
  | 'CoolingDown'
  | 'QuotaExceeded'
  /** Two families are required, and no pool or Service spec offers both. */
  | 'DualStackUnavailable'
  /** The annotations or fields of the Service cannot be read, or contradict each other. */
  | 'InvalidRequest';

/** Why a Service keeps an address that it would not get anew. */
export type RemarkReason =
  /** Its address is in no pool any more, or excluded there. */
  | 'OutsidePools'
  /** Its pool no longer matches the Service or its namespace. */
  | 'PoolNoLongerMatches';

export type ConditionReason = 'Assigned' | RefusalReason | RemarkReason;

export interface AssignedAddress {
  readonly address: IpAddress;
  /** The pool that has the address now; undefined when none has. */
  readonly pool: string | undefined;
}

export interface Decision {
  readonly service: ServiceKey;
  /** What the status is to show, in the order of the Service's families; empty: none. */
  readonly addresses: readonly AssignedAddress[];
  /** The condition `berth.dev/AddressAssigned`; True exactly when there is an address. */
  readonly condition: {
    readonly status: 'True' | 'False';
    readonly reason: ConditionReason;
    /** Explains, in whole sentences: which wish was refused, by which pool, and why. */
    readonly message: string;
  };
  /** What was refused, also when the Service keeps an address; undefined when all wishes are met. Label of metrics. */
  readonly refusal: RefusalReason | undefined;
  /** What is odd about the addresses that the Service keeps. */
  readonly remarks: readonly RemarkReason[];
  /** Whether only a change of pool, namespace or Service can help: no use in trying again when an address becomes free. */
  readonly isPermanent: boolean;
  /** When to try again although nothing changed (a cooldown ends), in milliseconds since the epoch; undefined: never. */
  readonly retryAtMs: number | undefined;
  /** Whether the Service no longer holds the addresses that `berth.dev/renumber` names, so that the annotation can go. */
  readonly isRenumberDone: boolean;
  /** Whether the draft gives the Service an address that it did not hold, or frees one. */
  readonly isChange: boolean;
  /** Addresses that nobody holds any more by this decision: Services that wait may be tried again. */
  readonly freed: readonly IpAddress[];
}
