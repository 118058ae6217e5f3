// SPDX-License-Identifier: Apache-2.0
/**
 * What statuses show by Berth's own word ({@link ServiceRequest.given}) against what the ledger says. A ledger may be
 * old, emptied or partly lost, and then a live status is right and the ledger is not: clients use the address now.
 * Where two live Services show one address, the ledger's word decides, and without one the older Service.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { KubeService, ServiceKey } from '../service/kube-service.ts';
import { serviceKeyOf } from '../service/kube-service.ts';
import type { LoadBalancerClassRule } from '../service/load-balancer-class.ts';
import { readServiceRequest, type ServiceRequest, type SharingTerms } from '../service/service-request.ts';
import { givenTo, includesAddress, shownAddressesOf } from '../service/usage.ts';
import { type AddressRecord, holderOf } from './address-record.ts';
import type { AllocationTable } from './allocation-table.ts';
import { obstacleToJoin, termsToRecord } from './sharing.ts';

/**
 * A Service that goes: it is being deleted, or is no longer ours. Until its status is empty no one else gets what it
 * shows.
 */
export interface Departing {
  readonly service: ServiceKey;
  /** What its status shows and Berth gave. */
  readonly shown: readonly IpAddress[];
  readonly sharing: SharingTerms;
}

const NO_TERMS: SharingTerms = { key: '', ports: [], localSelector: undefined };

/** Reads a Service that goes. `rule`: of this installation. */
export function departingOf(service: KubeService, rule: LoadBalancerClassRule): Departing {
  const given = givenTo(service, rule) ?? [];
  const shown = shownAddressesOf(service).filter((address) => includesAddress(given, address));
  return { service: serviceKeyOf(service), shown, sharing: readServiceRequest(service, rule)?.sharing ?? NO_TERMS };
}

/** What the status of a live Service shows and Berth gave. */
export function liveAddressesOf({
  given = [],
  shownAddresses,
}: Pick<ServiceRequest, 'given' | 'shownAddresses'>): readonly IpAddress[] {
  return shownAddresses.filter((address) => includesAddress(given, address));
}

/** Takes from the ledger's entries who stands against a live status, and shows the address himself no more. */
export function yieldToStatuses(table: AllocationTable, requests: readonly ServiceRequest[]): void {
  const showing = servicesByAddress(requests);
  for (const request of requests) {
    for (const address of liveAddressesOf(request)) {
      const record = table.get(address);
      const isHolder = record?.holders.some(({ service }) => service === request.service) ?? true;
      if (record !== undefined && !isHolder) yieldTo(table, record, { request, live: showing.get(String(address)) });
    }
  }
}

interface Claim {
  readonly request: ServiceRequest;
  /** The live Services that show the address. */
  readonly live: ReadonlySet<ServiceKey> | undefined;
}

function yieldTo(table: AllocationTable, record: AddressRecord, { request, live }: Claim): void {
  const sharer = { service: request.service, terms: request.sharing };
  const isInTheWay = (holder: AddressRecord['holders'][number]) =>
    live?.has(holder.service) !== true &&
    obstacleToJoin(sharer, { ...record, holders: [holder], quarantine: undefined }, { acrossNamespaces: true }) !==
      undefined;
  const holders = record.holders.filter((holder) => !isInTheWay(holder));
  if (holders.length === record.holders.length && record.former === undefined) return;
  const isMore = holders.length > 0 || record.quarantine !== undefined;
  table.put(record.address, isMore ? { ...record, holders, former: undefined } : undefined);
}

/**
 * Notes in the entries which wishes for a pool were met, by the statuses: an old ledger takes them for new, and where
 * the pool has lost the address since, the Service would be moved. What was met when it was given, only a new wish
 * ends.
 */
export function confirmPoolWishes(table: AllocationTable, requests: readonly ServiceRequest[]): void {
  for (const { service, wantedPool, askedPools, ...request } of requests) {
    if (wantedPool === undefined || askedPools.size === 0) continue;
    const isMet = (address: IpAddress) => askedPools.get(String(address)) === wantedPool;
    for (const address of liveAddressesOf(request).filter(isMet)) {
      const record = table.get(address);
      if ((holderOf(record, service)?.poolRequest ?? wantedPool) === wantedPool || record === undefined) continue;
      const holders = record.holders.map((one) =>
        one.service === service ? { ...one, poolRequest: wantedPool } : one,
      );
      table.put(address, { ...record, holders });
    }
  }
}

/** Enters what Services that go still show and no one holds. */
export function guardDeparting(table: AllocationTable, departing: readonly Departing[]): void {
  for (const { service, shown, sharing } of departing) {
    for (const address of shown) guard(table, address, { service, terms: sharing });
  }
}

function guard(table: AllocationTable, address: IpAddress, sharer: Parameters<typeof obstacleToJoin>[0]): void {
  const pool = table.catalog.poolOf(address)?.pool.name ?? '';
  const present = table.get(address);
  const record = present ?? { address, pool, holders: [], former: undefined, quarantine: undefined };
  if (record.holders.some(({ service }) => service === sharer.service)) return;
  const rules = { acrossNamespaces: true, maxBytes: table.limitOf(address) };
  if (obstacleToJoin(sharer, { ...record, quarantine: undefined }, rules) !== undefined) return;
  const holder = { service: sharer.service, poolRequest: '', terms: termsToRecord(sharer.terms) };
  table.put(address, { ...record, holders: [...record.holders, holder], former: undefined });
}

function servicesByAddress(requests: readonly ServiceRequest[]): ReadonlyMap<string, ReadonlySet<ServiceKey>> {
  const showing = new Map<string, Set<ServiceKey>>();
  for (const request of requests) {
    for (const address of liveAddressesOf(request)) {
      const services = showing.get(String(address)) ?? new Set();
      showing.set(String(address), services.add(request.service));
    }
  }
  return showing;
}
