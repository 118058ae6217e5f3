// SPDX-License-Identifier: Apache-2.0
/** A range of addresses of one family, both ends included, written `first-last`. */
import { IpAddress, type IpFamily } from './ip-address.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** Longest text that is looked at, in characters: two addresses, a dash and blanks. */
const MAX_TEXT_CHARACTERS = 160;

/** Immutable; {@link IpRange.first} is never above {@link IpRange.last}. */
export class IpRange {
  readonly first: IpAddress;
  readonly last: IpAddress;

  private constructor(first: IpAddress, last: IpAddress) {
    this.first = first;
    this.last = last;
  }

  /** Reads `first-last`, with blanks round the dash and the whole. Refused: two families, last below first. */
  static parse(text: string): Parsed<IpRange> {
    if (text.length > MAX_TEXT_CHARACTERS) return unparsed(`"${text.slice(0, 20)}..." is too long for a range`);
    const ends = text.split('-');
    const [firstText, lastText] = ends;
    if (ends.length !== 2 || firstText === undefined || lastText === undefined) {
      return unparsed(`"${text}" is not a range of the form first-last`);
    }
    const first = IpAddress.parse(firstText.trim());
    if (!first.ok) return first;
    const last = IpAddress.parse(lastText.trim());
    if (!last.ok) return last;
    return IpRange.between(first.value, last.value);
  }

  /** The range from first to last. Refused: two families, last below first. */
  static between(first: IpAddress, last: IpAddress): Parsed<IpRange> {
    if (first.family !== last.family) return unparsed(`${first} and ${last} are of two families`);
    if (first.compare(last) > 0) return unparsed(`${first} is above ${last}`);
    return parsed(new IpRange(first, last));
  }

  /** The range of a single address. */
  static single(address: IpAddress): IpRange {
    return new IpRange(address, address);
  }

  get family(): IpFamily {
    return this.first.family;
  }

  /** The number of addresses, at least 1. */
  get size(): bigint {
    return this.last.value - this.first.value + 1n;
  }

  contains(address: IpAddress): boolean {
    return address.family === this.family && this.first.value <= address.value && address.value <= this.last.value;
  }

  overlaps(other: IpRange): boolean {
    return this.family === other.family && this.first.value <= other.last.value && other.first.value <= this.last.value;
  }

  equals(other: IpRange): boolean {
    return this.first.equals(other.first) && this.last.equals(other.last);
  }

  /** `first-last` in canonical text. Reports show what the user wrote instead. */
  toString(): string {
    return `${this.first}-${this.last}`;
  }
}
