// SPDX-License-Identifier: Apache-2.0
/**
 * Which ConfigMap of the ledger has which entry. New entries go to the one that is open; when it is full it is sealed,
 * and an empty one is opened or a new one made. So whoever adds an address must win the compare-and-swap on the same
 * object, and a controller with an old view always fails. Sealed objects change in place or shrink, and are used again
 * when they are empty; none is ever deleted, since a controller with an old view could make one of that name without
 * losing a compare-and-swap. An address has its entry in one object at most.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { AddressRecord } from './address-record.ts';
import { bytesOf, decodeRecord, encodeRecord, entryKeyOf } from './ledger-entry.ts';
import { LEDGER_NAME, type LedgerObject, type LedgerProblem } from './ledger-object.ts';
import { inOrder, type LedgerPart, nameOf, numberOf, type PartPlan, WritePlan } from './ledger-part.ts';
import type { Reliance } from './reliance.ts';

/**
 * Size at which an object is sealed, in bytes of keys and values. The API server takes 1 MiB. Each write stores the
 * whole object and sends it to everybody who watches, so small ones keep a stream of single Services cheap:
 * docs/design/0005-ledger.md.
 */
export const SEAL_BYTES = 16 * 1024;

/** Size up to which entries may grow in place, in bytes of keys and values. */
export const MAX_OBJECT_BYTES = 768 * 1024;

export interface Change {
  readonly address: IpAddress;
  readonly record: AddressRecord | undefined;
}

export interface LedgerReading {
  readonly layout: LedgerLayout;
  readonly records: readonly AddressRecord[];
  readonly problems: readonly LedgerProblem[];
}

/** Mutable: follows the writes that were made. */
export class LedgerLayout {
  /** In the order in which they were made. */
  #parts: LedgerPart[] = [];
  readonly #partOf = new Map<string, string>();
  readonly #sealBytes: number;
  /** Bytes by which entries of each part grew in the draft. */
  readonly #growth = new Map<string, number>();

  constructor(sealBytes: number = SEAL_BYTES) {
    this.#sealBytes = sealBytes;
  }

  /** Reads the objects of a ledger, in any order. */
  static read(objects: readonly LedgerObject[], sealBytes?: number): LedgerReading {
    const layout = new LedgerLayout(sealBytes);
    const records: AddressRecord[] = [];
    const problems: LedgerProblem[] = [];
    const known = objects.filter(({ name }) => numberOf(name) !== undefined);
    for (const object of known.toSorted((a, b) => (numberOf(a.name) ?? 0) - (numberOf(b.name) ?? 0))) {
      layout.#readObject(object, records, problems);
    }
    return { layout, records, problems };
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /**
   * Bytes that the entry of an address may have, as far as its object has room for it; Infinity for one that is not in
   * the ledger yet, since it gets its place by its size.
   */
  limitOf(address: IpAddress): number {
    const key = entryKeyOf(address);
    const part = this.#parts.find(({ name }) => name === this.#partOf.get(key));
    if (part === undefined) return Number.POSITIVE_INFINITY;
    const used = sum(part.sizes.values()) + (this.#growth.get(part.name) ?? 0);
    return Math.max(0, MAX_OBJECT_BYTES - used) + (part.sizes.get(key) ?? 0);
  }

  /** Notes that an entry has so many bytes in the draft. */
  noteSize(address: IpAddress, bytes: number): void {
    const key = entryKeyOf(address);
    const name = this.#partOf.get(key);
    if (name === undefined) return;
    const before = this.#parts.find((part) => part.name === name)?.sizes.get(key) ?? 0;
    if (bytes > before) this.#growth.set(name, (this.#growth.get(name) ?? 0) + bytes - before);
  }

  /** The draft is over. */
  forgetSizes(): void {
    this.#growth.clear();
  }

  /** The writes that make the changes durable and prove what was relied on. Changes nothing yet. */
  planWrites(changes: Iterable<Change>, relied: Reliance): WritePlan {
    const plans = new Map<string, PartPlan>();
    const additions: [string, string][] = [];
    for (const { address, record } of changes) {
      const key = entryKeyOf(address);
      const place = this.#partOf.get(key);
      const value = record === undefined ? null : encodeRecord(record);
      if (place !== undefined) this.#planOf(plans, place).values.set(key, value);
      else if (value !== null) additions.push([key, value]);
    }
    this.#placeAdditions(plans, additions);
    this.#prove(plans, relied);
    if (plans.size > 0) this.#sweep(plans);
    return new WritePlan([...plans.values()]);
  }

  /** Follows the writes of a plan, with the resourceVersion that each of them gave; any text for a deletion. */
  apply(plan: WritePlan, resourceVersions: readonly string[]): void {
    for (const [index, { part, name, values, turns }] of plan.parts.entries()) {
      const sizes = part?.sizes ?? new Map<string, number>();
      for (const [key, value] of values) {
        if (value === null) [sizes.delete(key), this.#partOf.delete(key)];
        else [sizes.set(key, sizeOf(key, value)), this.#partOf.set(key, name)];
      }
      const resourceVersion = resourceVersions[index] ?? '';
      const isSealed = turns === undefined ? (part?.isSealed ?? false) : turns === 'sealed';
      const others = this.#parts.filter((other) => other.name !== name);
      this.#parts = inOrder([...others, { name, resourceVersion, isSealed, sizes, garbage: [] }]);
    }
  }

  #readObject(
    { name, resourceVersion, isSealed, data }: LedgerObject,
    records: AddressRecord[],
    problems: LedgerProblem[],
  ): void {
    const sizes = new Map<string, number>();
    const garbage: string[] = [];
    for (const [key, text] of Object.entries(data)) {
      const record = decodeRecord(key, text);
      const message = record.ok ? this.#duplicateOf(key) : record.reason;
      if (message !== undefined || !record.ok) {
        garbage.push(key);
        problems.push({ object: name, key, message: message ?? '' });
        continue;
      }
      records.push(record.value);
      sizes.set(key, sizeOf(key, text));
      this.#partOf.set(key, name);
    }
    this.#parts.push({ name, resourceVersion, isSealed, sizes, garbage });
  }

  #duplicateOf(key: string): string | undefined {
    const place = this.#partOf.get(key);
    return place === undefined ? undefined : `${place} has the same address`;
  }

  #planOf(plans: Map<string, PartPlan>, name: string): PartPlan {
    const present = plans.get(name);
    if (present !== undefined) return present;
    const part = this.#parts.find((other) => other.name === name);
    const plan: PartPlan = { part, name, values: new Map(), turns: undefined };
    plans.set(name, plan);
    return plan;
  }

  #placeAdditions(plans: Map<string, PartPlan>, additions: readonly (readonly [string, string])[]): void {
    if (additions.length === 0) return;
    const open = this.#parts.findLast(({ isSealed }) => !isSealed);
    let plan = open === undefined ? this.#openNext(plans) : this.#planOf(plans, open.name);
    let size = open === undefined ? 0 : sum(open.sizes.values());
    for (const [key, value] of additions) {
      const bytes = sizeOf(key, value);
      if (size > 0 && size + bytes > this.#sealBytes) {
        plan.turns = 'sealed';
        [plan, size] = [this.#openNext(plans), 0];
      }
      plan.values.set(key, value);
      size += bytes;
    }
  }

  /**
   * The first sealed object that is empty, or a new one behind the last. Everybody with the same view takes the same.
   */
  #openNext(plans: Map<string, PartPlan>): PartPlan {
    const isUnused = ({ name }: LedgerPart) => plans.get(name)?.turns === undefined;
    const empty = this.#parts.find((part) => part.isSealed && part.sizes.size === 0 && isUnused(part));
    const last = this.#parts.at(-1);
    // A new object proves nothing by itself where somebody deleted the ledger meanwhile: the last one has to be there
    // still.
    if (empty === undefined && last !== undefined) this.#planOf(plans, last.name);
    const numbers = [...this.#parts, ...plans.values()].map(({ name }) => numberOf(name) ?? 0);
    const name = empty?.name ?? nameOf(numbers.length === 0 ? 0 : Math.max(...numbers) + 1);
    const plan = this.#planOf(plans, name);
    plan.turns = 'open';
    return plan;
  }

  /** Adds writes that only confirm: they fail where the object is no longer as it was read. */
  #prove(plans: Map<string, PartPlan>, { entries, isOnAbsence }: Reliance): void {
    for (const address of entries) {
      const place = this.#partOf.get(entryKeyOf(address));
      if (place !== undefined) this.#planOf(plans, place);
    }
    if (!isOnAbsence) return;
    if (this.isEmpty) this.#planOf(plans, LEDGER_NAME);
    for (const { name } of this.#parts) this.#planOf(plans, name);
  }

  /** Adds what cannot be read to the keys that go. A key that is written anew here is no garbage any more. */
  #sweep(plans: Map<string, PartPlan>): void {
    for (const { name, garbage } of this.#parts) {
      for (const key of garbage) {
        const { values } = this.#planOf(plans, name);
        if (!values.has(key)) values.set(key, null);
      }
    }
  }
}

function sizeOf(key: string, value: string): number {
  return key.length + bytesOf(value);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
