// SPDX-License-Identifier: Apache-2.0
/**
 * Which ConfigMap of the ledger has which entry. New entries go to the one that is open; when it is full it is sealed, and
 * an empty one is opened or a new one made. So whoever adds an address must win the compare-and-swap on the same object,
 * and a controller with an old view always fails. Sealed objects change in place or shrink, and are used again when they
 * are empty; none is ever deleted, since a controller with an old view could make one of that name without losing a
 * compare-and-swap. An address has its entry in one object at most.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { AddressRecord } from './address-record.ts';
import { decodeRecord, encodeRecord, entryKeyOf } from './ledger-entry.ts';
import {
  ANNOTATION_CONFIRMED,
  ANNOTATION_SEALED,
  LEDGER_LABEL,
  LEDGER_NAME,
  type LedgerObject,
  type LedgerProblem,
  type LedgerWrite,
} from './ledger-object.ts';
import type { Reliance } from './reliance.ts';

/**
 * Size at which an object is sealed, in bytes of keys and values. The API server takes 1 MiB; an eighth leaves room for
 * entries that grow in place, and keeps each write cheap.
 */
export const SEAL_BYTES = 128 * 1024;

export interface Change {
  readonly address: IpAddress;
  readonly record: AddressRecord | undefined;
}

/** One ConfigMap as far as the layout needs it. */
interface Shelf {
  readonly name: string;
  readonly resourceVersion: string;
  readonly isSealed: boolean;
  /** Bytes of each entry, by key. */
  readonly sizes: Map<string, number>;
  /** Keys that cannot be read, to be taken away with the next write. */
  readonly garbage: readonly string[];
}

/** What is to be done to one shelf. */
interface ShelfPlan {
  /** undefined: the shelf is new. */
  readonly shelf: Shelf | undefined;
  readonly name: string;
  readonly values: Map<string, string | null>;
  /** What becomes of it; undefined: it stays open or sealed. */
  turns: 'open' | 'sealed' | undefined;
}

export interface LedgerReading {
  readonly layout: LedgerLayout;
  readonly records: readonly AddressRecord[];
  readonly problems: readonly LedgerProblem[];
}

/** Mutable: follows the writes that were made. */
export class LedgerLayout {
  /** In the order in which they were made. */
  #shelves: Shelf[] = [];
  readonly #shelfOf = new Map<string, string>();
  readonly #sealBytes: number;

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
    return this.#shelves.length === 0;
  }

  /** The writes that make the changes durable and prove what was relied on. Changes nothing yet. */
  planWrites(changes: Iterable<Change>, relied: Reliance): WritePlan {
    const plans = new Map<string, ShelfPlan>();
    const additions: [string, string][] = [];
    for (const { address, record } of changes) {
      const key = entryKeyOf(address);
      const place = this.#shelfOf.get(key);
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
    for (const [index, { shelf, name, values, turns }] of plan.shelves.entries()) {
      const sizes = shelf?.sizes ?? new Map<string, number>();
      for (const [key, value] of values) {
        if (value === null) [sizes.delete(key), this.#shelfOf.delete(key)];
        else [sizes.set(key, sizeOf(key, value)), this.#shelfOf.set(key, name)];
      }
      const resourceVersion = resourceVersions[index] ?? '';
      const isSealed = turns === undefined ? (shelf?.isSealed ?? false) : turns === 'sealed';
      const others = this.#shelves.filter((other) => other.name !== name);
      this.#shelves = inOrder([...others, { name, resourceVersion, isSealed, sizes, garbage: [] }]);
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
      this.#shelfOf.set(key, name);
    }
    this.#shelves.push({ name, resourceVersion, isSealed, sizes, garbage });
  }

  #duplicateOf(key: string): string | undefined {
    const place = this.#shelfOf.get(key);
    return place === undefined ? undefined : `${place} has the same address`;
  }

  #planOf(plans: Map<string, ShelfPlan>, name: string): ShelfPlan {
    const present = plans.get(name);
    if (present !== undefined) return present;
    const shelf = this.#shelves.find((other) => other.name === name);
    const plan: ShelfPlan = { shelf, name, values: new Map(), turns: undefined };
    plans.set(name, plan);
    return plan;
  }

  #placeAdditions(plans: Map<string, ShelfPlan>, additions: readonly (readonly [string, string])[]): void {
    if (additions.length === 0) return;
    const open = this.#shelves.findLast(({ isSealed }) => !isSealed);
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

  /** The first sealed object that is empty, or a new one behind the last. Everybody with the same view takes the same. */
  #openNext(plans: Map<string, ShelfPlan>): ShelfPlan {
    const isUnused = ({ name }: Shelf) => plans.get(name)?.turns === undefined;
    const empty = this.#shelves.find((shelf) => shelf.isSealed && shelf.sizes.size === 0 && isUnused(shelf));
    const last = this.#shelves.at(-1);
    // A new object proves nothing by itself where somebody deleted the ledger meanwhile: the last one has to be there still.
    if (empty === undefined && last !== undefined) this.#planOf(plans, last.name);
    const numbers = [...this.#shelves, ...plans.values()].map(({ name }) => numberOf(name) ?? 0);
    const name = empty?.name ?? nameOf(numbers.length === 0 ? 0 : Math.max(...numbers) + 1);
    const plan = this.#planOf(plans, name);
    plan.turns = 'open';
    return plan;
  }

  /** Adds writes that only confirm: they fail where the object is no longer as it was read. */
  #prove(plans: Map<string, ShelfPlan>, { entries, isOnAbsence }: Reliance): void {
    for (const address of entries) {
      const place = this.#shelfOf.get(entryKeyOf(address));
      if (place !== undefined) this.#planOf(plans, place);
    }
    if (!isOnAbsence) return;
    if (this.isEmpty) this.#planOf(plans, LEDGER_NAME);
    for (const { name } of this.#shelves) this.#planOf(plans, name);
  }

  /** Adds what cannot be read to the keys that go. A key that is written anew here is no garbage any more. */
  #sweep(plans: Map<string, ShelfPlan>): void {
    for (const { name, garbage } of this.#shelves) {
      for (const key of garbage) {
        const { values } = this.#planOf(plans, name);
        if (!values.has(key)) values.set(key, null);
      }
    }
  }
}

/** Writes that were planned together. */
export class WritePlan {
  readonly shelves: readonly ShelfPlan[];
  readonly writes: readonly LedgerWrite[];

  constructor(shelves: readonly ShelfPlan[]) {
    this.shelves = shelves;
    this.writes = shelves.map(writeOf);
  }
}

function writeOf({ shelf, name, values, turns }: ShelfPlan): LedgerWrite {
  const data = Object.fromEntries(values);
  if (shelf === undefined) {
    const annotations = turns === 'sealed' ? { [ANNOTATION_SEALED]: 'true' } : {};
    const metadata = { name, labels: LEDGER_LABEL, annotations };
    return { kind: 'create', name, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } };
  }
  const { resourceVersion } = shelf;
  // A write that only confirms still has to give a new version, so that whoever relied on the old one fails in turn.
  const annotations = {
    ...(turns === undefined ? {} : { [ANNOTATION_SEALED]: turns === 'sealed' ? 'true' : null }),
    ...(values.size === 0 ? { [ANNOTATION_CONFIRMED]: resourceVersion } : {}),
  };
  return { kind: 'patch', name, patch: { metadata: { resourceVersion, annotations }, data } };
}

/** `ledger` is 0, `ledger-7` is 7; undefined for any other name. */
function numberOf(name: string): number | undefined {
  if (name === LEDGER_NAME) return 0;
  const match = /^ledger-([1-9]\d{0,8})$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

function nameOf(number: number): string {
  return number === 0 ? LEDGER_NAME : `${LEDGER_NAME}-${number}`;
}

function inOrder(shelves: Shelf[]): Shelf[] {
  return shelves.sort((a, b) => (numberOf(a.name) ?? 0) - (numberOf(b.name) ?? 0));
}

/** Bytes in UTF-8 as the API server counts them, or a little more. */
function sizeOf(key: string, value: string): number {
  return key.length + value.length * (/^[\x20-\x7e]*$/.test(value) ? 1 : 3);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
