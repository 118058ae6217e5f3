// SPDX-License-Identifier: Apache-2.0
/**
 * Which ConfigMap of the ledger has which entry. New entries go to the last one only; when it is full it is sealed and a
 * next one made. So whoever adds an address must win the compare-and-swap on the same last object, and a controller with
 * an old view always fails. Sealed objects change in place or shrink; an address has its entry in one object at most.
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
  isSealing: boolean;
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
    for (const [index, { shelf, name, values, isSealing }] of plan.shelves.entries()) {
      const sizes = shelf?.sizes ?? new Map<string, number>();
      for (const [key, value] of values) {
        if (value === null) [sizes.delete(key), this.#shelfOf.delete(key)];
        else [sizes.set(key, sizeOf(key, value)), this.#shelfOf.set(key, name)];
      }
      const resourceVersion = resourceVersions[index] ?? '';
      const next = { name, resourceVersion, isSealed: isSealing || (shelf?.isSealed ?? false), sizes, garbage: [] };
      const others = this.#shelves.filter((other) => other.name !== name);
      const isGone = plan.writes[index]?.kind === 'delete';
      this.#shelves = inOrder(isGone ? others : [...others, next]);
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
    const plan: ShelfPlan = { shelf, name, values: new Map(), isSealing: false };
    plans.set(name, plan);
    return plan;
  }

  #placeAdditions(plans: Map<string, ShelfPlan>, additions: readonly (readonly [string, string])[]): void {
    if (additions.length === 0) return;
    const last = this.#shelves.at(-1);
    let name = last === undefined || last.isSealed ? nextName(last?.name) : last.name;
    let size = last === undefined || last.isSealed ? 0 : sum(last.sizes.values());
    for (const [key, value] of additions) {
      const bytes = sizeOf(key, value);
      if (size > 0 && size + bytes > this.#sealBytes) {
        this.#planOf(plans, name).isSealing = true;
        [name, size] = [nextName(name), 0];
      }
      this.#planOf(plans, name).values.set(key, value);
      size += bytes;
    }
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

function writeOf({ shelf, name, values, isSealing }: ShelfPlan): LedgerWrite {
  const data = Object.fromEntries(values);
  const sealed = isSealing ? { [ANNOTATION_SEALED]: 'true' } : {};
  if (shelf === undefined) {
    const metadata = { name, labels: LEDGER_LABEL, annotations: sealed };
    return { kind: 'create', name, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } };
  }
  const { resourceVersion } = shelf;
  const rest = [...shelf.sizes.keys()].some((key) => values.get(key) !== null);
  const isEmptied = shelf.isSealed && values.size > 0 && !rest && [...values.values()].every((value) => value === null);
  if (isEmptied) return { kind: 'delete', name, resourceVersion };
  // A write that only confirms still has to give a new version, so that whoever relied on the old one fails in turn.
  const confirmed = values.size === 0 ? { [ANNOTATION_CONFIRMED]: resourceVersion } : {};
  const annotations = { ...sealed, ...confirmed };
  return { kind: 'patch', name, patch: { metadata: { resourceVersion, annotations }, data } };
}

/** `ledger` is 0, `ledger-7` is 7; undefined for any other name. */
function numberOf(name: string): number | undefined {
  if (name === LEDGER_NAME) return 0;
  const match = /^ledger-([1-9]\d{0,8})$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

function nextName(name: string | undefined): string {
  return name === undefined ? LEDGER_NAME : `${LEDGER_NAME}-${(numberOf(name) ?? 0) + 1}`;
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
