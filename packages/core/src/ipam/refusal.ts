// SPDX-License-Identifier: Apache-2.0
/** Why a wish of a Service cannot be met. */
import type { RefusalReason } from './decision.ts';

export interface Refusal {
  readonly reason: RefusalReason;
  /** A sentence without capital and full stop, which names pools and addresses. */
  readonly message: string;
  /** When time alone may help, in milliseconds since the epoch. */
  readonly retryAtMs?: number | undefined;
}

/** Reasons that another's release of an address or the passing of time can end; all others take a change by a user. */
const TRANSIENT: readonly RefusalReason[] = [
  'OutOfAddresses',
  'AlreadyAllocated',
  'AddressInUse',
  'CoolingDown',
  'QuotaExceeded',
];

export function isPermanent({ reason }: Refusal): boolean {
  return !TRANSIENT.includes(reason);
}
