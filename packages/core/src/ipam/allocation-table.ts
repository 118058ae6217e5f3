// SPDX-License-Identifier: Apache-2.0
/**
 * All records of the ledger in memory. A record is changed in one place only ({@link AllocationTable.put}), which keeps
 * what is derived from records in step: who holds what, who held what, who shares by which key, how pools are occupied.
 * Changes since the last {@link AllocationTable.commit} are a draft that can be undone.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { AddressRecord } from './address-record.ts';
import { GroupIndex } from './group-index.ts';
import type { CatalogPool, PoolCatalog } from './pool-catalog.ts';
import { PoolSpaces } from './pool-spaces.ts';

/** Most addresses whose former owner is remembered beyond the cooldown; the oldest are forgotten first. */
export const MAX_REMEMBERED = 1000;

/** Most addresses of one sharing key that are held against each other to say why they are not shared. */
export const MAX_COMPARED = 50;

/**
 * Most addresses that rest at a time, so that Services that come and go cannot grow the ledger without end; the rest of
 * the oldest ends early.
 */
export const MAX_RESTING = 20_000;

export class AllocationTable {
  /** How the pools are occupied. */
  readonly spaces: PoolSpaces;
  readonly #records = new Map<string, AddressRecord>();
  readonly #byService = new GroupIndex((record) => record.holders.map(({ service }) => service));
  readonly #byFormer = new GroupIndex(({ former }) => (former === undefined ? [] : [former.service]));
  readonly #bySharingKey = new GroupIndex(({ holders }) => sharingKeysOf(holders));
  /** Addresses that rest, in the order in which they were freed. */
  readonly #resting = new Set<string>();
  /** Addresses that no one holds and that do not rest, in the order in which they became so. */
  readonly #remembered = new Set<string>();
  readonly #quarantined = new Set<string>();
  /** No rest ends before this time. */
  #nextRestEndMs = Number.POSITIVE_INFINITY;
  /** Records as they were at the last commit, of the addresses that changed since. */
  #before = new Map<string, AddressRecord | undefined>();
  /** Records that change now would be counted in the old pools and not in the new ones. */
  #isSwapping = false;

  readonly #limitOf: (address: IpAddress) => number;

  /** `limitOf`: bytes that the entry of an address may have in the ledger. */
  constructor(catalog: PoolCatalog, limitOf: (address: IpAddress) => number = () => Number.POSITIVE_INFINITY) {
    this.spaces = new PoolSpaces(catalog);
    this.#limitOf = limitOf;
  }

  /** Bytes that the entry of an address may have. */
  limitOf(address: IpAddress): number {
    return this.#limitOf(address);
  }

  get catalog(): PoolCatalog {
    return this.spaces.catalog;
  }

  /** Swaps the pools, in steps. The records stay, and no one changes them between two steps. */
  *swapCatalog(catalog: PoolCatalog): Generator<void> {
    this.#isSwapping = true;
    try {
      yield* this.spaces.swapCatalog(catalog, this.#records.values());
    } finally {
      this.#isSwapping = false;
    }
  }

  get(address: IpAddress): AddressRecord | undefined {
    return this.#records.get(address.toString());
  }

  records(): IterableIterator<AddressRecord> {
    return this.#records.values();
  }

  /** Sets the record of an address, or takes it away. */
  put(address: IpAddress, record: AddressRecord | undefined): void {
    const key = address.toString();
    const present = this.#records.get(key);
    if (!this.#before.has(key)) this.#before.set(key, present);
    this.#replace(key, present, record);
  }

  get quarantinedCount(): number {
    return this.#quarantined.size;
  }

  /** The addresses in quarantine, in their own order. */
  quarantined(): readonly AddressRecord[] {
    return this.#recordsAt(this.#quarantined);
  }

  heldBy(service: ServiceKey): readonly AddressRecord[] {
    return this.#recordsAt(this.#byService.keysOf(service));
  }

  formerlyHeldBy(service: ServiceKey): readonly AddressRecord[] {
    return this.#recordsAt(this.#byFormer.keysOf(service));
  }

  sharedBy(sharingKey: string): readonly AddressRecord[] {
    return sharingKey === '' ? [] : this.#recordsAt(this.#bySharingKey.keysOf(sharingKey));
  }

  /** Whether more addresses have the sharing key than are looked at one by one, see {@link MAX_COMPARED}. */
  isCommonKey(sharingKey: string): boolean {
    return this.#countOf(sharingKey) > MAX_COMPARED;
  }

  /**
   * Services that hold an address alone and have the sharing key of an address that the draft changes: what is said
   * about their wish to share may have become wrong.
   */
  lonelySharersOfDraft(): ReadonlySet<ServiceKey> {
    const keys = new Set<string>();
    for (const [address, before] of this.#before) {
      const holders = [...(before?.holders ?? []), ...(this.#records.get(address)?.holders ?? [])];
      for (const key of sharingKeysOf(holders)) keys.add(key);
    }
    // One more than the limit: with that one the others get the common text.
    const records = [...keys].flatMap((key) => (this.#countOf(key) > MAX_COMPARED + 1 ? [] : this.sharedBy(key)));
    const lonely = records.flatMap(({ holders }) => (holders.length === 1 ? holders : []));
    return new Set(lonely.map(({ service }) => service));
  }

  holders(): IterableIterator<ServiceKey> {
    return this.#byService.groups();
  }

  /**
   * Ends the rest of addresses whose time is over. That is no change of the ledger, which says until when they rest and
   * not that they do.
   */
  settle(nowMs: number): void {
    if (nowMs < this.#nextRestEndMs || this.#isSwapping) return;
    this.#nextRestEndMs = Number.POSITIVE_INFINITY;
    for (const key of [...this.#resting]) {
      const record = this.#records.get(key);
      if (record?.former === undefined) continue;
      if (record.former.restsUntilMs > nowMs) this.#noteRestEnd(record.former.restsUntilMs);
      else this.#replace(key, record, { ...record, former: { ...record.former, restsUntilMs: 0 } });
    }
  }

  /** Forgets former owners beyond the limit, the oldest first. */
  forget(): void {
    for (const key of this.#resting) {
      if (this.#resting.size <= MAX_RESTING) break;
      const record = this.#records.get(key);
      if (record?.former) this.put(record.address, { ...record, former: { ...record.former, restsUntilMs: 0 } });
    }
    for (const key of this.#remembered) {
      if (this.#remembered.size <= MAX_REMEMBERED) return;
      const record = this.#records.get(key);
      const isMore = record?.quarantine !== undefined;
      if (record !== undefined) this.put(record.address, isMore ? { ...record, former: undefined } : undefined);
    }
  }

  /** When the next resting address of the given pools becomes free, in milliseconds since the epoch. */
  nextRestEndMs(pools: readonly CatalogPool[]): number | undefined {
    let next: number | undefined;
    for (const key of this.#resting) {
      const record = this.#records.get(key);
      const pool = record && this.catalog.poolOf(record.address);
      if (record?.former === undefined || pool === undefined || !pools.includes(pool)) continue;
      next = Math.min(next ?? Number.POSITIVE_INFINITY, record.former.restsUntilMs);
    }
    return next;
  }

  /** The draft: each address that changed, with its record now. */
  *changes(): IterableIterator<{ readonly address: IpAddress; readonly record: AddressRecord | undefined }> {
    for (const [key, before] of this.#before) {
      const record = this.#records.get(key);
      const address = (record ?? before)?.address;
      if (record !== before && address !== undefined) yield { address, record };
    }
  }

  commit(): void {
    this.#before.clear();
  }

  rollback(): void {
    const before = this.#before;
    this.#before = new Map();
    for (const [key, record] of before) this.#replace(key, this.#records.get(key), record);
  }

  /** Starts anew from these records. */
  load(records: Iterable<AddressRecord>): void {
    for (const [key, record] of [...this.#records]) this.#replace(key, record, undefined);
    for (const record of records) this.#replace(record.address.toString(), undefined, record);
    this.#before.clear();
  }

  #countOf(sharingKey: string): number {
    return this.#bySharingKey.countOf(sharingKey);
  }

  #replace(key: string, present: AddressRecord | undefined, next: AddressRecord | undefined): void {
    if (present !== undefined) this.#unindex(key, present);
    if (next === undefined) this.#records.delete(key);
    else {
      this.#records.set(key, next);
      this.#index(key, next);
    }
  }

  #index(key: string, record: AddressRecord): void {
    for (const index of [this.#byService, this.#byFormer, this.#bySharingKey]) index.addRecord(key, record);
    this.spaces.add(record);
    if (record.quarantine !== undefined) this.#quarantined.add(key);
    if (record.former === undefined) return;
    if (record.former.restsUntilMs === 0) this.#remembered.add(key);
    else {
      this.#resting.add(key);
      this.#noteRestEnd(record.former.restsUntilMs);
    }
  }

  #noteRestEnd(restsUntilMs: number): void {
    this.#nextRestEndMs = Math.min(this.#nextRestEndMs, restsUntilMs);
  }

  #unindex(key: string, record: AddressRecord): void {
    for (const index of [this.#byService, this.#byFormer, this.#bySharingKey]) index.removeRecord(key, record);
    this.spaces.remove(record);
    for (const set of [this.#resting, this.#remembered, this.#quarantined]) set.delete(key);
  }

  #recordsAt(keys: Iterable<string>): AddressRecord[] {
    const records: AddressRecord[] = [];
    for (const key of keys) {
      const record = this.#records.get(key);
      if (record !== undefined) records.push(record);
    }
    return records.length < 2 ? records : records.sort((a, b) => a.address.compare(b.address));
  }
}

function sharingKeysOf(holders: AddressRecord['holders']): string[] {
  const keys = holders.flatMap(({ terms }) => (terms === undefined ? [] : [terms.key]));
  return keys.length < 2 ? keys : [...new Set(keys)];
}
