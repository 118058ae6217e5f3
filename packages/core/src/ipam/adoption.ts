// SPDX-License-Identifier: Apache-2.0
/** Taking over what statuses show and the ledger lacks: at the first start, after a restore, after a lost ledger. */
import type { IpAddress, IpFamily } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import { includesAddress } from '../service/usage.ts';
import { restsFor } from './address-record.ts';
import type { AllocationTable } from './allocation-table.ts';
import type { Draft } from './draft.ts';
import { liveAddressesOf } from './live-status.ts';
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
  /** Whether an address of the Service has clients already, by its status. */
  wasAnnounced(service: ServiceKey, address: IpAddress): boolean;
}

/** What became of the addresses that one Service shows. */
export interface TakingOver {
  readonly isTaken: boolean;
  readonly obstacles: readonly string[];
  readonly rejected: readonly Rejected[];
}

interface Rejected {
  readonly address: IpAddress;
  readonly message: string;
}

/** Older Services first, then by key: the order in which two that show one address are heard. */
export function byAge(one: ServiceRequest, other: ServiceRequest): number {
  if (one.creationTimestamp !== other.creationTimestamp)
    return one.creationTimestamp < other.creationTimestamp ? -1 : 1;
  return one.service < other.service ? -1 : 1;
}

/**
 * The order in which Services are heard where the ledger is lost: those that show what Berth gave them, whose clients
 * use it now; those that it gave something and that show it no longer; those that show what somebody else gave; each by
 * age.
 */
export function inOrderOfAdoption(requests: readonly ServiceRequest[]): readonly ServiceRequest[] {
  const sorted = requests.toSorted(byAge);
  const ranks = new Map(sorted.map((request) => [request, rankOf(request)]));
  return [0, 1, 2].flatMap((rank) => sorted.filter((request) => ranks.get(request) === rank));
}

function rankOf(request: ServiceRequest): number {
  if (liveAddressesOf(request).length > 0) return 0;
  return (request.given ?? []).length > 0 ? 1 : 2;
}

/** Enters what Berth gave and the ledger lacks. */
export function restoreGiven(scope: AdoptionScope, draft: Draft): TakingOver {
  const rejected: Rejected[] = [];
  let isTaken = false;
  for (const address of unrecorded(scope)) {
    const message = obstacleToAdopt(scope, address);
    if (message !== undefined) rejected.push({ address, message });
    else if (draft.hold(scope.request, address)) isTaken = true;
  }
  return { isTaken, obstacles: [], rejected };
}

/**
 * What Berth says that it gave: what the status shows and the ledger lacks, and all of families for which the ledger
 * has nothing.
 */
function unrecorded({ request, table }: Pick<AdoptionScope, 'request' | 'table'>): readonly IpAddress[] {
  const held = table.heldBy(request.service).map(({ address }) => address);
  const hasFamily = (family: IpFamily) => held.some((address) => address.family === family);
  const live = liveAddressesOf(request);
  const isWanted = (address: IpAddress) => includesAddress(live, address) || !hasFamily(address.family);
  return (request.given ?? []).filter((address) => !includesAddress(held, address) && isWanted(address));
}

/** Why a shown address cannot be taken over, or undefined when it can. */
export function obstacleToAdopt(scope: AdoptionScope, address: IpAddress): string | undefined {
  const { request, table, nowMs } = scope;
  if (!request.families.includes(address.family)) return `the Service has no ${address.family}`;
  // Outside the pools only our own word counts, or somebody's who wants it so.
  const isOurs = includesAddress(request.given ?? [], address);
  const all = isOurs ? (request.given ?? []) : request.shownAddresses;
  if (all.filter(({ family }) => family === address.family).length > 1) {
    return `the status shows several ${address.family} addresses`;
  }
  const isWanted = isOurs || includesAddress(request.adopting, address);
  if (table.catalog.poolOf(address) === undefined && !isWanted) return `${address} is in no pool`;
  const holder = isOurs ? undefined : table.catalog.occupants.holderOf(address, request.service);
  if (holder !== undefined && !holder.isCandidate) return `${address} is ${holder.holder}`;
  const record = table.get(address);
  if (restsFor(record, request.service, nowMs)) return `${address} rests for ${record?.former?.service}`;
  if (record === undefined) return undefined;
  // A live Service is not moved for a stranger, whatever an old ledger says of its address.
  const quarantine = scope.wasAnnounced(request.service, address) ? undefined : record.quarantine;
  const sharer = { service: request.service, terms: request.sharing };
  return obstacleToJoin(
    sharer,
    { ...record, quarantine },
    { acrossNamespaces: true, maxBytes: table.limitOf(address) },
  );
}
