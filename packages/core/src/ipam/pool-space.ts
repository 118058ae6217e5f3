// SPDX-License-Identifier: Apache-2.0
/** How one pool is occupied: derived from the records of its addresses, kept up to date one record at a time. */
import { type Interval, IntervalSet } from '../net/interval-set.ts';
import { IpAddress, type IpFamily } from '../net/ip-address.ts';
import { namespaceOfKey, type ServiceKey } from '../service/kube-service.ts';
import type { AddressRecord } from './address-record.ts';
import { type CatalogPool, isSkipped } from './pool-catalog.ts';

/** Mutable. Every record that is added must be removed with the same content. */
export class PoolSpace {
  readonly catalogPool: CatalogPool;
  readonly #closed: Readonly<Record<IpFamily, IntervalSet>> = { IPv4: new IntervalSet(), IPv6: new IntervalSet() };
  readonly #used: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 };
  readonly #resting: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 };
  readonly #quarantined: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 };
  readonly #byNamespace = new Map<string, number>();
  /** No interval of the pool before this one has a free address. */
  readonly #firstOpen: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 };

  constructor(catalogPool: CatalogPool) {
    this.catalogPool = catalogPool;
  }

  add(record: AddressRecord): void {
    if (!this.#count(record, 1)) return;
    this.#closed[record.address.family].add(record.address.value);
  }

  remove(record: AddressRecord): void {
    if (!this.#count(record, -1)) return;
    const { family, value } = record.address;
    this.#closed[family].remove(value);
    this.#firstOpen[family] = 0;
  }

  /**
   * The first address in the order of use that is neither held nor resting, nor reserved, skipped or among those to
   * avoid.
   */
  firstFree(family: IpFamily, avoided: readonly IpAddress[] = []): IpAddress | undefined {
    const intervals = this.catalogPool.open[family];
    for (let index = this.#firstOpen[family]; index < intervals.length; index++) {
      const interval = intervals[index];
      if (interval === undefined) break;
      let gap = this.#firstGap(family, interval);
      if (gap === undefined && index === this.#firstOpen[family]) this.#firstOpen[family] = index + 1;
      while (gap !== undefined && avoided.some(({ value }) => value === gap)) {
        gap = this.#firstGap(family, { first: gap + 1n, last: interval.last });
      }
      if (gap !== undefined) return IpAddress.of(family, gap);
    }
    return undefined;
  }

  /** Addresses that Services hold; one that is shared counts once. */
  used(family: IpFamily): number {
    return this.#used[family];
  }

  /** Freed addresses that were resting when the time was last given. */
  resting(family: IpFamily): number {
    return this.#resting[family];
  }

  /** Addresses that no Service holds and that somebody else uses. */
  quarantined(family: IpFamily): number {
    return this.#quarantined[family];
  }

  /** Addresses that Services of the namespace hold, or held until a moment ago and that rest. */
  usedBy(namespace: string): number {
    return this.#byNamespace.get(namespace) ?? 0;
  }

  /** All that is known about a family in one line, to be compared. */
  summary(family: IpFamily): string {
    const namespaces = [...this.#byNamespace].filter(([, count]) => count !== 0).sort();
    const counts = `${this.#used[family]} used, ${this.#resting[family]} resting, ${this.#quarantined[family]} quarantined`;
    return `${counts}, first free ${this.firstFree(family)}, ${namespaces}`;
  }

  // What is skipped is closed for good, so the search passes it once only.
  #firstGap(family: IpFamily, { first, last }: Interval): bigint | undefined {
    const closed = this.#closed[family];
    let gap = closed.firstGap(first, last);
    while (gap !== undefined && isSkipped(this.catalogPool.pool, family, gap)) {
      closed.add(gap);
      gap = closed.firstGap(gap, last);
    }
    return gap;
  }

  /**
   * Counts a record in or out; false when the record closes nothing, since no one holds the address and it does not
   * rest.
   */
  #count({ address: { family }, holders, former, quarantine }: AddressRecord, step: 1 | -1): boolean {
    if (holders.length === 0 && quarantine !== undefined) {
      this.#quarantined[family] += step;
      return true;
    }
    if (holders.length === 0) {
      if (former === undefined || former.restsUntilMs === 0) return false;
      this.#resting[family] += step;
      this.#countFor([former.service], step);
      return true;
    }
    this.#used[family] += step;
    this.#countFor(
      holders.map(({ service }) => service),
      step,
    );
    return true;
  }

  #countFor(services: readonly ServiceKey[], step: 1 | -1): void {
    for (const namespace of new Set(services.map(namespaceOfKey))) {
      this.#byNamespace.set(namespace, this.usedBy(namespace) + step);
    }
  }
}
