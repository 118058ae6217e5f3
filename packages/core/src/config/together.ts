// SPDX-License-Identifier: Apache-2.0
/**
 * What can only be said about documents together: names that occur twice, addresses that overlap, references that lead
 * nowhere. Documents that were refused for other reasons take part as far as they can be read, so that a user sees all.
 */
import { IpAddress } from '../net/ip-address.ts';
import { IpRange } from '../net/ip-range.ts';
import { isBuggy } from './buggy-address.ts';
import { isObject } from './is-object.ts';
import { nearestName } from './nearest-name.ts';
import { placeOf, problemAt, type Source, show, subjectOf, type TypedDocument } from './parse-document.ts';
import { EntrySet, entriesOf, type PlacedEntry } from './placed-entry.ts';
import { EMPTY_ANNOTATION, type Reservation } from './pool-config.ts';
import { parsePoolEntry } from './pool-entry.ts';
import type { ConfigProblem } from './problem.ts';
import type { ProblemList } from './reading-budget.ts';
import { specialIn } from './special-ranges.ts';
import type { Path } from './yaml-text-parts.ts';

interface Findings {
  readonly problems: ProblemList;
  readonly warnings: ProblemList;
}

/** Adds to the findings what is wrong or odd about the documents together. */
export function checkTogether(
  documents: readonly TypedDocument[],
  unread: readonly Source[],
  findings: Findings,
): void {
  const sources = [...documents.map(({ source }) => source), ...unread];
  checkNames(sources, findings);
  checkOverlaps(sources, findings);
  for (const source of sources.filter(isPool)) checkEmptiness(source, findings);
  for (const document of documents) {
    if (document.kind === 'IPAddressPool') checkPool(document.source, findings);
  }
  checkReservations(documents, findings);
  checkReferences(documents, findings);
}

function checkNames(sources: readonly Source[], { problems }: Findings): void {
  const seen = new Map<string, Source>();
  for (const source of sources) {
    const { value } = source;
    if (!isObject(value) || !isObject(value.metadata) || typeof value.metadata.name !== 'string') continue;
    // Not what messages call it: there long names are cut.
    const identity = `${String(value.kind)} ${value.metadata.name}`;
    const first = seen.get(identity);
    if (first !== undefined) {
      const found = `a second ${subjectOf(source)}${elsewhere(first, source, ['metadata', 'name'])}`;
      const text = { found, wanted: 'a name that no other document of its kind has' };
      problems.add(() => problemAt(source, ['metadata', 'name'], text));
    } else seen.set(identity, source);
  }
}

// Sorted by first address, an entry overlaps an earlier one exactly when it starts before the highest end so far.
function checkOverlaps(sources: readonly Source[], { problems }: Findings): void {
  const entries = sources.filter(isPool).flatMap((source) => entriesOf(source, 'addresses'));
  const sorted = entries.toSorted((a, b) => a.range.first.compare(b.range.first));
  let highest: PlacedEntry | undefined;
  for (const entry of sorted) {
    const other = highest;
    if (other?.range.overlaps(entry.range)) problems.add(() => overlapProblem(other, entry));
    if (highest === undefined || highest.range.last.compare(entry.range.last) < 0) highest = entry;
  }
}

function overlapProblem(one: PlacedEntry, other: PlacedEntry): ConfigProblem {
  const [first, second] = isBefore(one, other) ? [one, other] : [other, one];
  const place = elsewhere(first.source, second.source, first.path);
  const found = `"${second.text}", which overlaps "${first.text}" of ${subjectOf(first.source)}${place}`;
  return problemAt(second.source, second.path, { found, wanted: 'addresses that no other entry has' });
}

/** Where the other one is, if that is not the same text. */
function elsewhere(other: Source, source: Source, path: Path): string {
  return other.key === source.key ? '' : ` (${placeOf(other, path)})`;
}

function isBefore(one: PlacedEntry, other: PlacedEntry): boolean {
  const [a, b] = [one, other].map(({ source, path }) => source.document.locate([...source.base, ...path]));
  if (one.source.key !== other.source.key) return one.source.key < other.source.key;
  if (a === undefined || b === undefined) return true;
  return a.line < b.line || (a.line === b.line && a.column <= b.column);
}

// A template that rendered nothing looks like a pool without addresses. So whoever means it says it twice.
function checkEmptiness(source: Source, { problems }: Findings): void {
  const count = addressCount(source);
  const isMeant = annotationsOf(source)[EMPTY_ANNOTATION] === 'true';
  const path = ['spec', 'addresses'];
  if (count === 0 && !isMeant) {
    const wanted = `at least one; a pool that is empty on purpose has the annotation ${EMPTY_ANNOTATION}: "true"`;
    problems.add(() => problemAt(source, path, { found: 'a list of 0', wanted }));
  }
  if (isMeant && count !== undefined && count > 0) {
    const reason = `the pool has the annotation ${EMPTY_ANNOTATION}`;
    problems.add(() => problemAt(source, path, { found: `a list of ${count}`, wanted: 'addresses: []', reason }));
  }
}

function addressCount({ value }: Source): number | undefined {
  const list = isObject(value) && isObject(value.spec) ? value.spec.addresses : undefined;
  return Array.isArray(list) ? list.length : undefined;
}

function annotationsOf({ value }: Source): Readonly<Record<string, unknown>> {
  const metadata = isObject(value) && isObject(value.metadata) ? value.metadata : {};
  return isObject(metadata.annotations) ? metadata.annotations : {};
}

function checkPool(source: Source, { warnings }: Findings): void {
  const addresses = entriesOf(source, 'addresses');
  for (const { text, path } of [...addresses, ...entriesOf(source, 'exclude')]) {
    const result = parsePoolEntry(text);
    if (!result.ok || result.hostBits === undefined) continue;
    const reason = 'bits after the prefix length are ignored';
    const wanted = result.hostBits.toString();
    warnings.add(() => problemAt(source, path, { found: show(text), wanted, reason }));
  }
  for (const { text, path, range } of addresses) {
    const special = specialIn(range);
    if (special === undefined) continue;
    const reason = 'no client reaches such an address';
    const found = `${show(text)}, partly ${special}`;
    warnings.add(() => problemAt(source, path, { found, wanted: 'addresses of the LAN', reason }));
  }
  const inside = new EntrySet(addresses);
  for (const excluded of entriesOf(source, 'exclude')) {
    if (inside.intersects(excluded.range)) continue;
    const text = { found: show(excluded.text), wanted: 'addresses of this pool', reason: 'it excludes nothing' };
    warnings.add(() => problemAt(source, excluded.path, text));
  }
}

function checkReservations(documents: readonly TypedDocument[], { problems }: Findings): void {
  const made: Reservations = { takenBy: new Map(), families: new Set() };
  for (const { source, content, kind } of documents) {
    if (kind !== 'IPAddressPool') continue;
    const pool = {
      addresses: new EntrySet(entriesOf(source, 'addresses')),
      exclude: new EntrySet(entriesOf(source, 'exclude')),
      avoidBuggyIPs: content.spec.avoidBuggyIPs,
    };
    for (const [index, { address: text, service }] of (content.spec.reserved ?? []).entries()) {
      const address = IpAddress.parse(text.trim());
      if (!address.ok) continue;
      const wanted = reservationWish({ address: address.value, service }, pool, made);
      const path = ['spec', 'reserved', index, 'address'];
      if (wanted !== undefined) problems.add(() => problemAt(source, path, { found: show(text), wanted }));
      made.takenBy.set(address.value.toString(), service);
      made.families.add(`${service} ${address.value.family}`);
    }
  }
}

/** The reservations that were read before. */
interface Reservations {
  /** Service by address. */
  readonly takenBy: Map<string, string>;
  /** `namespace/name IPv4`. */
  readonly families: Set<string>;
}

/** What a reservation should have been, or undefined when it is right. */
function reservationWish(
  { address, service }: Reservation,
  pool: { readonly addresses: EntrySet; readonly exclude: EntrySet; readonly avoidBuggyIPs: boolean },
  made: Reservations,
): string | undefined {
  const itself = IpRange.single(address);
  if (!pool.addresses.intersects(itself)) return 'an address of this pool';
  if (pool.exclude.intersects(itself)) return 'an address that is not excluded';
  if (pool.avoidBuggyIPs && isBuggy(address)) return 'an address that avoidBuggyIPs does not leave out';
  const holder = made.takenBy.get(address.toString());
  if (holder !== undefined) return `an address that is not reserved for ${holder} already`;
  const hasFamily = made.families.has(`${service} ${address.family}`);
  return hasFamily ? `at most one ${address.family} address for ${service}` : undefined;
}

function checkReferences(documents: readonly TypedDocument[], { warnings }: Findings): void {
  const pools = new Set(
    documents.filter(({ kind }) => kind === 'IPAddressPool').map(({ content }) => content.metadata.name),
  );
  for (const { source, content, kind } of documents) {
    if (kind !== 'L2Advertisement') continue;
    for (const [index, pool] of (content.spec?.ipAddressPools ?? []).entries()) {
      if (pools.has(pool)) continue;
      warnings.add(() => {
        const wanted = nearestName(pool, [...pools]) ?? 'the name of an IPAddressPool';
        const text = { found: show(pool), wanted, reason: 'there is no such pool' };
        return problemAt(source, ['spec', 'ipAddressPools', index], text);
      });
    }
  }
}

function isPool({ value }: Source): boolean {
  return isObject(value) && value.kind === 'IPAddressPool';
}
