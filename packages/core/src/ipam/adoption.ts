// SPDX-License-Identifier: Apache-2.0
/** Taking over what statuses show and the ledger lacks: at the first start, after a restore, after a lost ledger. */
import type { IpAddress, IpFamily } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import { restsFor } from './address-record.ts';
import type { AllocationTable } from './allocation-table.ts';
import { obstacleToJoin } from './sharing.ts';

export interface AdoptionReport {
  /** Services whose status addresses were taken over, since the ledger lacked them. */
  readonly adopted: readonly ServiceKey[];
  /** Status addresses that were not taken over, and why; these Services are to be decided and get other ones. */
  readonly rejected: readonly { readonly service: ServiceKey; readonly address: IpAddress; readonly message: string }[];
  /** Services of the ledger that are gone or no longer ours; their addresses are free. */
  readonly released: readonly ServiceKey[];
}

export interface AdoptionScope {
  readonly request: ServiceRequest;
  readonly table: AllocationTable;
  readonly nowMs: number;
  /** Whether there was no ledger at all, so that statuses are the only witness. */
  readonly isLedgerLost: boolean;
  /** Whether an address of the Service has clients already, by its status. */
  wasAnnounced(service: ServiceKey, address: IpAddress): boolean;
}

/** Older Services first, then by key: the order in which two that show one address are heard. */
export function byAge(one: ServiceRequest, other: ServiceRequest): number {
  if (one.creationTimestamp !== other.creationTimestamp)
    return one.creationTimestamp < other.creationTimestamp ? -1 : 1;
  return one.service < other.service ? -1 : 1;
}

/** The shown addresses of families for which the ledger has none. */
export function unrecorded({ request, table }: AdoptionScope): readonly IpAddress[] {
  const held = table.heldBy(request.service);
  const hasFamily = (family: IpFamily) => held.some(({ address }) => address.family === family);
  return request.shownAddresses.filter(({ family }) => !hasFamily(family));
}

/** Why a shown address cannot be taken over, or undefined when it can. */
export function obstacleToAdopt(scope: AdoptionScope, address: IpAddress): string | undefined {
  const { request, table, nowMs, isLedgerLost } = scope;
  if (!request.families.includes(address.family)) return `the Service has no ${address.family}`;
  if (request.shownAddresses.filter(({ family }) => family === address.family).length > 1) {
    return `the status shows several ${address.family} addresses`;
  }
  // Outside the pools only our own word counts: with a ledger that would have it, or with the condition that only we set.
  const isOurs = isLedgerLost && request.wasAssigned;
  if (table.catalog.poolOf(address) === undefined && !isOurs) return `${address} is in no pool and not in the ledger`;
  const record = table.get(address);
  if (restsFor(record, request.service, nowMs)) return `${address} rests for ${record?.former?.service}`;
  if (record === undefined) return undefined;
  // A live Service is not moved for a stranger, whatever an old ledger says of its address.
  const quarantine = scope.wasAnnounced(request.service, address) ? undefined : record.quarantine;
  const sharer = { service: request.service, terms: request.sharing };
  return obstacleToJoin(sharer, { ...record, quarantine }, { acrossNamespaces: true });
}
