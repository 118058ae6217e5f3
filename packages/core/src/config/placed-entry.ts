// SPDX-License-Identifier: Apache-2.0
/** The address entries of a pool document with their places, as far as they can be read. */
import { IntervalSet } from '../net/interval-set.ts';
import type { IpFamily } from '../net/ip-address.ts';
import type { IpRange } from '../net/ip-range.ts';
import { isObject } from './is-object.ts';
import type { Source } from './parse-document.ts';
import { parsePoolEntry } from './pool-entry.ts';
import type { Path } from './yaml-text-parts.ts';

export interface PlacedEntry {
  readonly source: Source;
  readonly path: Path;
  readonly text: string;
  readonly range: IpRange;
}

/** The entries of a field that can be read; the others have a problem of their own already. */
export function entriesOf(source: Source, field: 'addresses' | 'exclude'): PlacedEntry[] {
  const { value } = source;
  const list = isObject(value) && isObject(value.spec) ? value.spec[field] : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((written: unknown, index) => {
    const result = typeof written === 'string' ? parsePoolEntry(written) : undefined;
    return result?.ok ? [{ source, path: ['spec', field, index], ...result.entry }] : [];
  });
}

/** The addresses of some entries, for look-ups that do not go through all of them. */
export class EntrySet {
  readonly #intervals: Readonly<Record<IpFamily, IntervalSet>> = { IPv4: new IntervalSet(), IPv6: new IntervalSet() };

  constructor(entries: readonly PlacedEntry[]) {
    for (const { range } of entries) this.#intervals[range.family].add(range.first.value, range.last.value);
  }

  intersects(range: IpRange): boolean {
    return this.#intervals[range.family].intersects(range.first.value, range.last.value);
  }
}
