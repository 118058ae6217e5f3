// SPDX-License-Identifier: Apache-2.0
/**
 * IP addresses as values: an immutable pair of family and number, with the canonical text of RFC 5952. Parsing is that
 * of the ip-address library (strict: `010.0.0.1` is refused). Formatting is not, since its way to text takes longer
 * than a whole allocation decision; a test holds the two against each other.
 */
import { Address4, Address6 } from 'ip-address';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** The family of an address, spelled as in `spec.ipFamilies` of a Service. */
export type IpFamily = 'IPv4' | 'IPv6';

/** Width of an address of each family, in bits. */
export const ADDRESS_BITS: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 };

/** Longest text that is looked at, in characters: the longest IPv6 spelling has 45. */
const MAX_TEXT_CHARACTERS = 64;

/** `::ffff:0:0/96`, the IPv4-mapped addresses (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = 0xffffn;

/**
 * An IPv4 or IPv6 address. Immutable; compare with {@link IpAddress.equals}, and use {@link IpAddress.toString} as a
 * map key.
 */
export class IpAddress {
  readonly family: IpFamily;
  /** The address as an unsigned number in network order. */
  readonly value: bigint;
  #text: string | undefined;

  private constructor(family: IpFamily, value: bigint) {
    this.family = family;
    this.value = value;
  }

  /**
   * Reads one address. `::ffff:203.0.113.9` is the IPv4 address 203.0.113.9. Refused: zones (`%lan0`), prefix lengths,
   * blanks, leading zeros in IPv4, and text of more than 64 characters.
   */
  static parse(text: string): Parsed<IpAddress> {
    if (text === '') return unparsed('an empty text is not an IP address');
    if (text.length > MAX_TEXT_CHARACTERS) return unparsed(`"${text.slice(0, 20)}..." is too long for an IP address`);
    if (text.includes('%')) return unparsed(`"${text}" has a zone, which an address of a Service cannot have`);
    if (text.includes('/')) return unparsed(`"${text}" is a prefix, not an address`);
    const value = text.includes(':') ? parseV6(text) : parseV4(text);
    if (value === undefined) return unparsed(`"${text}" is not an IP address`);
    return parsed(text.includes(':') ? fromV6Value(value) : new IpAddress('IPv4', value));
  }

  /**
   * The address with this number. Throws a RangeError when the number does not fit the family, which only a bug can
   * cause.
   */
  static of(family: IpFamily, value: bigint): IpAddress {
    if (value < 0n || value >> BigInt(ADDRESS_BITS[family]) !== 0n) {
      throw new RangeError(`core: ${value} is not an ${family} address`);
    }
    return new IpAddress(family, value);
  }

  /**
   * The address in 4 or 16 bytes in network order (copied), or undefined for any other length. IPv4-mapped bytes stay
   * IPv6: on the wire the length tells the family.
   */
  static fromBytes(bytes: Uint8Array): IpAddress | undefined {
    if (bytes.length !== 4 && bytes.length !== 16) return undefined;
    let value = 0n;
    for (const byte of bytes) value = (value << 8n) | BigInt(byte);
    return new IpAddress(bytes.length === 4 ? 'IPv4' : 'IPv6', value);
  }

  /** 4 or 16 bytes in network order, a fresh copy. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(ADDRESS_BITS[this.family] / 8);
    let rest = this.value;
    for (let index = bytes.length - 1; index >= 0; index--) {
      bytes[index] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    return bytes;
  }

  equals(other: IpAddress): boolean {
    return this.value === other.value && this.family === other.family;
  }

  /** Negative, zero or positive: IPv4 before IPv6, then by number. */
  compare(other: IpAddress): number {
    if (this.family !== other.family) return this.family === 'IPv4' ? -1 : 1;
    if (this.value === other.value) return 0;
    return this.value < other.value ? -1 : 1;
  }

  /** The canonical text: dotted decimal, or RFC 5952. Computed once. */
  toString(): string {
    this.#text ??= this.family === 'IPv4' ? formatV4(this.value) : formatV6(this.value);
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }
}

function fromV6Value(value: bigint): IpAddress {
  if (value >> 32n === MAPPED_PREFIX) return IpAddress.of('IPv4', value & 0xffff_ffffn);
  return IpAddress.of('IPv6', value);
}

// The library throws on what it cannot read; its texts are for developers, so only the fact is kept.
function parseV4(text: string): bigint | undefined {
  try {
    return new Address4(text).bigInt();
  } catch {
    return undefined;
  }
}

function parseV6(text: string): bigint | undefined {
  try {
    return new Address6(text).bigInt();
  } catch {
    return undefined;
  }
}

/** RFC 5952: the longest run of two or more zero fields becomes `::`, the first one of several. */
function formatV6(value: bigint): string {
  const fields = [...halfFields(value >> 64n), ...halfFields(value & 0xffff_ffff_ffff_ffffn)];
  let longest = { start: 0, length: 1 };
  for (let start = 0; start < fields.length; start++) {
    let end = start;
    while (fields[end] === 0) end++;
    if (end - start > longest.length) longest = { start, length: end - start };
  }
  const texts = fields.map((field) => field.toString(16));
  if (longest.length === 1) return texts.join(':');
  const after = texts.slice(longest.start + longest.length);
  return `${texts.slice(0, longest.start).join(':')}::${after.join(':')}`;
}

function halfFields(half: bigint): number[] {
  const [high, low] = [Number(half >> 32n), Number(half & 0xffff_ffffn)];
  return [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
}

function formatV4(value: bigint): string {
  const number = Number(value);
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
}
