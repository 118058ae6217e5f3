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
import { type AddressRecord, type Holder, holderOf, sameTerms } from './address-record.ts';
import { type AdoptionReport, byAge, obstacleToAdopt, unrecorded } from './adoption.ts';
import { AllocationTable } from './allocation-table.ts';
import type { Decision } from './decision.ts';
import { LedgerLayout, SEAL_BYTES, type WritePlan } from './ledger-layout.ts';
import type { LedgerObject, LedgerProblem, LedgerWrite } from './ledger-object.ts';
import type { DecisionScope } from './obstacle.ts';
import { isOfWantedPool, type Plan, planFor, strandedIn } from './plan.ts';
import { PoolCatalog } from './pool-catalog.ts';
import { MAX_QUARANTINED, type Quarantine } from './quarantine.ts';
import { Reliance } from './reliance.ts';
import { decisionOf, type Outcome } from './verdict.ts';

/** What decisions depend on besides the ledger: one immutable snapshot, swapped as a whole. */
export interface Surroundings {
  readonly config: PoolConfig;
  /** Labels of each namespace; a namespace that is not in here has none. */
  readonly namespaces: ReadonlyMap<string, Labels>;
}

export interface AdoptionInput {
  /** Of all Services of ours that are not being deleted. */
  readonly requests: readonly ServiceRequest[];
  /** Services whose addresses {@link Allocator.release} will free, once their status no longer shows them. */
  readonly departing: readonly ServiceKey[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether an address of a Service was announced before, so that no quarantine takes it away. */
  wasAnnounced(service: ServiceKey, address: IpAddress): boolean;
}

export class Allocator {
  #surroundings: Surroundings;
  readonly #table: AllocationTable;
  readonly #sealBytes: number;
  #layout: LedgerLayout;
  /** What the draft takes from the ledger as it was read, without a write of its own that would prove it current. */
  #relied = new Reliance();
  /** The writes that are on their way; decisions wait for their end. */
  #plan: WritePlan | undefined;

  /** `sealBytes`: size at which an object of the ledger is sealed, in bytes of keys and values. */
  constructor(surroundings: Surroundings, { sealBytes = SEAL_BYTES }: { readonly sealBytes?: number } = {}) {
    this.#surroundings = surroundings;
    this.#sealBytes = sealBytes;
    this.#layout = new LedgerLayout(sealBytes);
    this.#table = new AllocationTable(new PoolCatalog(surroundings.config));
  }

  /** The records and what is derived from them, to be read. */
  get table(): AllocationTable {
    return this.#table;
  }

  get surroundings(): Surroundings {
    return this.#surroundings;
  }

  /** Swaps pools and namespaces. Every Service keeps what it has; decide each of them again to learn what to say about it. */
  setSurroundings(surroundings: Surroundings): void {
    if (surroundings.config !== this.#surroundings.config) this.#table.setCatalog(new PoolCatalog(surroundings.config));
    this.#surroundings = surroundings;
  }

  /** Forgets everything and starts from the ledger as it was read; drops the draft. No object at all: a lost or new ledger. */
  reset(objects: readonly LedgerObject[]): readonly LedgerProblem[] {
    const { layout, records, problems } = LedgerLayout.read(objects, this.#sealBytes);
    this.#layout = layout;
    this.#endDraft();
    this.#table.load(records);
    return problems;
  }

  /**
   * Takes over what statuses show and the ledger lacks, oldest Service first, before any new address is given; frees what
   * Services hold that are neither among the requests nor departing. Quarantines stay, also of addresses that were taken over all the same.
   */
  adopt({ requests, departing, nowMs, wasAnnounced }: AdoptionInput): AdoptionReport {
    this.#table.settle(nowMs);
    const known = new Set([...requests.map(({ service }) => service), ...departing]);
    const released = [...this.#table.holders()].filter((service) => !known.has(service));
    for (const service of released) this.release(service, nowMs);
    const adopted: ServiceKey[] = [];
    const rejected: AdoptionReport['rejected'][number][] = [];
    for (const request of requests.toSorted(byAge)) {
      const scope = { request, table: this.#table, nowMs, isLedgerLost: this.#layout.isEmpty, wasAnnounced };
      for (const address of unrecorded(scope)) {
        const message = obstacleToAdopt(scope, address);
        if (message !== undefined) rejected.push({ service: request.service, address, message });
        else if (this.#hold(request, address)) adopted.push(request.service);
      }
    }
    return { adopted: [...new Set(adopted)], rejected, released };
  }

  /**
   * Decides about one Service. What it holds it keeps, unless its own wishes or sharing terms changed. An address that it
   * gives up is freed only when its status shows what was decided and no longer that, so it takes a second call after the
   * status was written.
   */
  decide(request: ServiceRequest, nowMs: number): Decision {
    this.#refuseWhileWriting();
    this.#table.settle(nowMs);
    const scope = { request, table: this.#table, namespaces: this.#surroundings.namespaces, nowMs, staying: [] };
    const plan = planFor(scope);
    return decisionOf(scope, plan, this.#carryOut(scope, plan));
  }

  /**
   * Frees all addresses of a Service that is gone, is being deleted or is no longer ours; returns those that nobody else
   * holds. Call it when its status shows none of them any more, or the object is gone.
   */
  release(service: ServiceKey, nowMs: number): readonly IpAddress[] {
    this.#refuseWhileWriting();
    const freed = this.#table.heldBy(service).filter((record) => this.#letGo({ record, service, nowMs, isGone: true }));
    this.#table.forget();
    return freed.map(({ address }) => address);
  }

  /**
   * Keeps an address from everybody; who holds it gets another one when it is decided again. Does nothing where the address is in no
   * pool or in quarantine already, and beyond {@link MAX_QUARANTINED}; true when it did something.
   */
  quarantine(address: IpAddress, quarantine: Quarantine): boolean {
    this.#refuseWhileWriting();
    const home = this.#table.catalog.poolOf(address);
    const record = this.#table.get(address);
    if (home === undefined || record?.quarantine !== undefined) return false;
    if (this.#table.quarantinedCount >= MAX_QUARANTINED) return false;
    const bare = { address, pool: home.pool.name, holders: [], former: undefined };
    this.#table.put(address, { ...(record ?? bare), quarantine });
    return true;
  }

  /** Ends the quarantine of an address; true when it was in it. */
  endQuarantine(address: IpAddress): boolean {
    this.#refuseWhileWriting();
    const record = this.#table.get(address);
    if (record?.quarantine === undefined) return false;
    const isMore = record.holders.length > 0 || record.former !== undefined;
    this.#table.put(address, isMore ? { ...record, quarantine: undefined } : undefined);
    return true;
  }

  /** What a Service holds in the draft, also what it is about to give up. */
  addressesOf(service: ServiceKey): readonly IpAddress[] {
    return this.#table.heldBy(service).map(({ address }) => address);
  }

  /** Every Service that holds an address in the draft. */
  holders(): Iterable<ServiceKey> {
    return this.#table.holders();
  }

  /**
   * The compare-and-swap writes that make the draft durable, in order; empty when it changed nothing. Some may change
   * nothing and only prove that the ledger is still as it was read. Until commit(), rollback() or reset() no further
   * decision is taken.
   */
  writes(): readonly LedgerWrite[] {
    this.#plan = this.#layout.planWrites(this.#table.changes(), this.#relied);
    return this.#plan.writes;
  }

  /** The draft is durable now: one new resourceVersion per write, in the order of {@link Allocator.writes}. */
  commit(resourceVersions: readonly string[]): void {
    if (this.#plan !== undefined) this.#layout.apply(this.#plan, resourceVersions);
    this.#endDraft();
    this.#table.commit();
  }

  /** The draft is dropped; the state is that of the last commit or reset. Only right when no write reached the server. */
  rollback(): void {
    this.#endDraft();
    this.#table.rollback();
  }

  #endDraft(): void {
    this.#plan = undefined;
    this.#relied = new Reliance();
  }

  #refuseWhileWriting(): void {
    if (this.#plan !== undefined) throw new Error('core: decision while the last draft is being written');
  }

  #carryOut({ request, table, nowMs }: DecisionScope, { addresses }: Plan): Outcome {
    const { service } = request;
    this.#relied.note(request, addresses, this.addressesOf(service));
    const taken = addresses.filter((address) => this.#hold(request, address));
    const surplus = table.heldBy(service).filter(({ address }) => !includes(addresses, address));
    // Only a status that shows all it is to show is settled: before that, somebody's older patch may still be on its way.
    const isSettled = addresses.every((address) => includes(request.shownAddresses, address));
    const hidden = surplus.filter(({ address }) => isSettled && !includes(request.shownAddresses, address));
    const freed = hidden.filter((record) => this.#letGo({ record, service, nowMs, isGone: false }));
    return { taken, freed: freed.map(({ address }) => address) };
  }

  /** Makes the Service a holder of the address, or renews what is recorded about it; true when it is a new holder. */
  #hold(request: ServiceRequest, address: IpAddress): boolean {
    const record = this.#table.get(address);
    const present = holderOf(record, request.service);
    const next = this.#renewed(request, record, present);
    if (next === present) return false;
    const others = record?.holders ?? [];
    const holders =
      present === undefined ? [...others, next] : others.map((other) => (other === present ? next : other));
    const pool = this.#table.catalog.poolOf(address)?.pool.name ?? record?.pool ?? '';
    const quarantine = record?.quarantine;
    this.#table.put(address, { address, pool, holders, former: undefined, quarantine });
    return present === undefined;
  }

  /** What is to be recorded about a holder; the present entry itself where it says the same. */
  #renewed(request: ServiceRequest, record: AddressRecord | undefined, present: Holder | undefined): Holder {
    const { service, sharing, wantedPool = '' } = request;
    const terms = sharing.key === '' ? undefined : sharing;
    if (present === undefined || record === undefined) return { service, poolRequest: wantedPool, terms };
    // Wishes that cannot be read change nothing; a pool that was refused stays a wish to be tried again.
    if (request.refusal !== undefined) return present;
    const poolRequest = isOfWantedPool({ request, table: this.#table }, record) ? wantedPool : present.poolRequest;
    const isSame = poolRequest === present.poolRequest && sameTerms(terms, present.terms);
    return isSame ? present : { service, poolRequest, terms };
  }

  /** Takes the Service off the holders of an address; true when it was the last one. */
  #letGo({ record, service, nowMs, isGone }: Parting): boolean {
    const { address, pool, holders, quarantine } = record;
    const others = holders.filter((holder) => holder.service !== service);
    if (others.length > 0) {
      this.#table.put(address, { address, pool, holders: others, former: undefined, quarantine });
      return false;
    }
    const home = this.#table.catalog.poolOf(address);
    const cooldownSeconds = home?.pool.cooldownSeconds ?? 0;
    const restsUntilMs = cooldownSeconds === 0 ? 0 : nowMs + cooldownSeconds * 1000;
    // A Service that lives on elsewhere needs no memory of the address, and one that is in no pool cannot be given back.
    const isRemembered = strandedIn(home, address) === undefined && (isGone || restsUntilMs > 0);
    const former = isRemembered ? { service, restsUntilMs } : undefined;
    const isMore = former !== undefined || quarantine !== undefined;
    this.#table.put(address, isMore ? { address, pool, holders: [], former, quarantine } : undefined);
    return true;
  }
}

interface Parting {
  readonly record: AddressRecord;
  readonly service: ServiceKey;
  readonly nowMs: number;
  /** Whether the Service is gone for good, or only leaves this address. */
  readonly isGone: boolean;
}

function includes(addresses: readonly IpAddress[], address: IpAddress): boolean {
  return addresses.some((other) => other.equals(address));
}
