// SPDX-License-Identifier: Apache-2.0
/** What an allocator is made with, and what it is given to take over. */
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import type { Departing } from './live-status.ts';
import type { TermsNow } from './sharing.ts';

export interface AdoptionInput {
  /** Of all Services of ours that are not being deleted. */
  readonly requests: readonly ServiceRequest[];
  /** Services whose addresses the allocator will free, once their status no longer shows them. */
  readonly departing: readonly Departing[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether an address of a Service was announced before, so that no quarantine takes it away. */
  wasAnnounced(service: ServiceKey, address: IpAddress): boolean;
}

export interface AllocatorOptions {
  /** Size at which an object of the ledger is sealed, in bytes of keys and values. @default SEAL_BYTES */
  readonly sealBytes?: number;
  /** How long a sharer of one's own namespace has to change too, in milliseconds (sharing-patience.ts). @default 0 */
  readonly sharingGraceMs?: number;
  /** The terms that a Service has by now; undefined where they are not known. @default none is known */
  readonly termsNow?: TermsNow;
}
