// SPDX-License-Identifier: Apache-2.0
/**
 * The allocator: pools and ledger in memory, decisions about one Service at a time. Decisions change a draft;
 * {@link Allocator.writes} says how to make it durable, {@link Allocator.commit} or {@link Allocator.rollback} ends it.
 * Nothing that a decision gives may be shown before its writes have succeeded.
 *
 * A round: reset() with the ledger as read, adopt() what statuses hold, then again and again decide()/release() for any
 * number of Services, writes(), then commit() and the status patches. After a 409: read the ledger, reset(), adopt(),
 * and decide again.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import { type AdoptionReport, inOrderOfAdoption, restoreGiven } from './adoption.ts';
import { AllocationTable } from './allocation-table.ts';
import type { AdoptionInput, AllocatorOptions } from './allocator-options.ts';
import type { Decision } from './decision.ts';
import type { DecisionScope, Surroundings } from './decision-scope.ts';
import { decisionOf } from './describe-decision.ts';
import { Draft } from './draft.ts';
import { foreignDecision, isToLeaveForeign, takeOverForeign } from './foreign.ts';
import { judgeHoldings } from './holdings.ts';
import { LedgerLayout, SEAL_BYTES } from './ledger-layout.ts';
import type { LedgerObject, LedgerProblem, LedgerWrite } from './ledger-object.ts';
import type { WritePlan } from './ledger-part.ts';
import { confirmPoolWishes, guardDeparting, yieldToStatuses } from './live-status.ts';
import { choosePlan } from './plan.ts';
import { PoolCatalog } from './pool-catalog.ts';
import { MAX_QUARANTINED, type Quarantine } from './quarantine.ts';
import type { TermsNow } from './sharing.ts';
import { SharingPatience } from './sharing-patience.ts';

export class Allocator {
  #surroundings: Surroundings;
  readonly #table: AllocationTable;
  readonly #draft: Draft;
  readonly #sealBytes: number;
  #layout: LedgerLayout;
  /** The writes that are on their way; decisions wait for their end. */
  #plan: WritePlan | undefined;

  readonly #patience: SharingPatience;
  readonly #termsNow: TermsNow | undefined;

  constructor(surroundings: Surroundings, options: AllocatorOptions = {}) {
    const { sealBytes = SEAL_BYTES, sharingGraceMs = 0, termsNow } = options;
    this.#surroundings = surroundings;
    this.#patience = new SharingPatience(sharingGraceMs);
    this.#termsNow = termsNow;
    this.#sealBytes = sealBytes;
    this.#layout = new LedgerLayout(sealBytes);
    const catalog = new PoolCatalog(surroundings.config, surroundings.occupants);
    this.#table = new AllocationTable(catalog, (address) => this.#layout.limitOf(address));
    this.#draft = new Draft(this.#table, (address, bytes) => this.#layout.noteSize(address, bytes));
  }

  /** The records and what is derived from them, to be read. */
  get table(): AllocationTable {
    return this.#table;
  }

  get surroundings(): Surroundings {
    return this.#surroundings;
  }

  /**
   * Swaps pools and namespaces. Every Service keeps what it has; decide each of them again to learn what to say about
   * it.
   */
  setSurroundings(surroundings: Surroundings): void {
    Array.from(this.swapSurroundings(surroundings));
  }

  /**
   * {@link Allocator.setSurroundings} in steps, since thousands of records are counted anew. Between two of them others
   * may read, and nothing is decided.
   */
  *swapSurroundings(surroundings: Surroundings): Generator<void> {
    const { config, occupants } = surroundings;
    const isSame = config === this.#surroundings.config && occupants === this.#surroundings.occupants;
    if (!isSame) yield* this.#table.swapCatalog(new PoolCatalog(config, occupants));
    this.#surroundings = surroundings;
  }

  /**
   * Forgets everything and starts from the ledger as it was read; drops the draft. No object at all: a lost or new
   * ledger.
   */
  reset(objects: readonly LedgerObject[]): readonly LedgerProblem[] {
    const { layout, records, problems } = LedgerLayout.read(objects, this.#sealBytes);
    this.#layout = layout;
    this.#endDraft();
    this.#table.load(records);
    return problems;
  }

  /**
   * Takes over what statuses show and the ledger lacks or says otherwise, in {@link inOrderOfAdoption}, before any new
   * address is given; frees what Services hold that are neither among the requests nor departing. Quarantines stay,
   * also of addresses that were taken over all the same.
   */
  adopt({ requests, departing, nowMs, wasAnnounced }: AdoptionInput): AdoptionReport {
    this.#table.settle(nowMs);
    const known = new Set([...requests, ...departing].map(({ service }) => service));
    const released = [...this.#table.holders()].filter((service) => !known.has(service));
    for (const service of released) this.release(service, nowMs);
    yieldToStatuses(this.#table, requests);
    confirmPoolWishes(this.#table, requests);
    const adopted: ServiceKey[] = [];
    const rejected: AdoptionReport['rejected'][number][] = [];
    for (const request of inOrderOfAdoption(requests)) {
      const scope = { request, table: this.#table, nowMs, wasAnnounced };
      const report = takeOverForeign(scope, this.#draft) ?? restoreGiven(scope, this.#draft);
      if (report.isTaken) adopted.push(request.service);
      rejected.push(...report.rejected.map((one) => ({ service: request.service, ...one })));
    }
    guardDeparting(this.#table, departing);
    return { adopted, rejected, released };
  }

  /**
   * Decides about one Service: gathers what there is to look at, judges what the Service has, chooses addresses and
   * carries that out in the draft. What it holds it keeps, unless its own wishes or sharing terms changed. An address
   * that it gives up is freed only when its status shows what was decided and no longer that, so it takes a second call
   * after the status was written.
   */
  decide(request: ServiceRequest, nowMs: number): Decision {
    this.#refuseWhileWriting();
    this.#table.settle(nowMs);
    const scope = this.#gather(request, nowMs);
    const foreign = takeOverForeign({ ...scope, wasAnnounced: () => false }, this.#draft);
    // What the ledger may have for it stays there: a patch that shows it may still be on its way.
    if (foreign?.isTaken === false) return foreignDecision(request, foreign.obstacles);
    const holdings = judgeHoldings(scope);
    const plan = choosePlan(scope, holdings);
    // Nothing of another product is taken away before there is something in its place.
    if (plan.addresses.length === 0 && isToLeaveForeign(request)) {
      const retryAtMs = plan.refusal?.retryAtMs;
      return { ...foreignDecision(request, [plan.refusal?.message ?? 'there is no other address']), retryAtMs };
    }
    const outcome = this.#draft.carryOut(request, plan, nowMs);
    const decision = decisionOf(scope, plan, outcome);
    return foreign === undefined ? decision : { ...decision, isChange: true };
  }

  /**
   * Frees all addresses of a Service that is gone, is being deleted or is no longer ours; returns those that no one
   * else holds. Call it when its status shows none of them any more, or the object is gone.
   */
  release(service: ServiceKey, nowMs: number): readonly IpAddress[] {
    this.#refuseWhileWriting();
    this.#patience.end(service);
    const freed = this.#table
      .heldBy(service)
      .filter((record) => this.#draft.letGo({ record, service, nowMs, isGone: true }));
    this.#table.forget();
    return freed.map(({ address }) => address);
  }

  /**
   * Keeps an address from everybody; who holds it gets another one when it is decided again. Does nothing where the
   * address is in no pool or in quarantine already, and beyond {@link MAX_QUARANTINED}; true when it did something.
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

  /** Whether somebody who holds the address was announced with it before: such a one has clients, and stays. */
  isInUse(address: IpAddress, wasAnnounced: AdoptionInput['wasAnnounced']): boolean {
    return (this.#table.get(address)?.holders ?? []).some(({ service }) => wasAnnounced(service, address));
  }

  /** Ends the quarantines of addresses that are in use all the same, which a ledger that was restored may know. */
  endUsedQuarantines(wasAnnounced: AdoptionInput['wasAnnounced']): void {
    for (const { address } of this.#table.quarantined()) {
      if (this.isInUse(address, wasAnnounced)) this.endQuarantine(address);
    }
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
    this.#plan = this.#layout.planWrites(this.#table.changes(), this.#draft.relied);
    return this.#plan.writes;
  }

  /** The draft is durable now: one new resourceVersion per write, in the order of {@link Allocator.writes}. */
  commit(resourceVersions: readonly string[]): void {
    if (this.#plan !== undefined) this.#layout.apply(this.#plan, resourceVersions);
    this.#endDraft();
    this.#table.commit();
  }

  /**
   * The draft is dropped; the state is that of the last commit or reset. Only right when no write reached the server.
   */
  rollback(): void {
    this.#endDraft();
    this.#table.rollback();
  }

  #gather(request: ServiceRequest, nowMs: number): DecisionScope {
    const { namespaces } = this.#surroundings;
    const sharing = { patience: this.#patience, termsNow: this.#termsNow };
    return { request, table: this.#table, namespaces, nowMs, staying: [], ...sharing };
  }

  #endDraft(): void {
    this.#plan = undefined;
    this.#layout.forgetSizes();
    this.#draft.end();
  }

  #refuseWhileWriting(): void {
    if (this.#plan !== undefined) throw new Error('core: decision while the last draft is being written');
  }
}
