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
  /** Somebody who is no Service of Berth has the address that it asks for, as a node found out or the cluster knows. */
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
  | 'InvalidRequest'
  /** It shows what Berth did not give and cannot take over. */
  | 'ForeignAddress'
  /** There is no pool configuration yet. */
  | 'NoConfiguration';

/** What is odd about a Service although it has its address. */
export type RemarkReason =
  /** Its address is in no pool any more, or excluded there. */
  | 'OutsidePools'
  /** Its pool no longer matches the Service or its namespace. */
  | 'PoolNoLongerMatches'
  /** It has a sharing key, and a rule stands against sharing with the others that have it. */
  | 'NotShared'
  /** It asks for an address of a family that the cluster does not give it, and need not have one. */
  | 'FamilyUnavailable';

/** Reasons why an address is kept that would not be given anew. */
const STRANDED: readonly RemarkReason[] = ['OutsidePools', 'PoolNoLongerMatches'];

export type ConditionReason = 'Assigned' | RefusalReason | RemarkReason;

export interface AssignedAddress {
  readonly address: IpAddress;
  /** The pool that has the address now; undefined when none has. */
  readonly pool: string | undefined;
  /** The pool that the Service asked for and that the ledger has as met; undefined: none. */
  readonly askedPool?: string | undefined;
  /** Whether the pool was written for MetalLB, so that tools of MetalLB's users may look for it. Default: no. */
  readonly isOfMetallb?: boolean;
}

export interface Decision {
  readonly service: ServiceKey;
  /** What the status is to show, in the order of the Service's families; empty: none. */
  readonly addresses: readonly AssignedAddress[];
  /** Whether the status shows what Berth did not give, so that it stays as it is. Default: no. */
  readonly isForeign?: boolean;
  /** The condition `berth.dev/AddressAssigned`; True exactly when there is an address. */
  readonly condition: {
    readonly status: 'True' | 'False';
    readonly reason: ConditionReason;
    /** Explains, in whole sentences: which wish was refused, by which pool, and why. */
    readonly message: string;
  };
  /** What was refused, also when the Service keeps an address; undefined when all wishes are met. Label of metrics. */
  readonly refusal: RefusalReason | undefined;
  /** What is odd about the addresses of the Service; those of stranded addresses first. */
  readonly remarks: readonly RemarkReason[];
  /**
   * Whether only a change of pool, namespace or Service can help: no use in trying again when an address becomes free.
   */
  readonly isPermanent: boolean;
  /**
   * When to try again although nothing changed (a cooldown ends), in milliseconds since the epoch; undefined: never.
   */
  readonly retryAtMs: number | undefined;
  /**
   * Whether the Service no longer holds the addresses that `berth.dev/renumber` names, so that the annotation can go.
   */
  readonly isRenumberDone: boolean;
  /** Whether the draft gives the Service an address that it did not hold, or frees one. */
  readonly isChange: boolean;
  /** Addresses that no one holds any more by this decision: Services that wait may be tried again. */
  readonly freed: readonly IpAddress[];
}

/** Whether the Service keeps an address that it would not get anew. */
export function isStranded({ remarks }: Pick<Decision, 'remarks'>): boolean {
  return remarks.some((reason) => STRANDED.includes(reason));
}
