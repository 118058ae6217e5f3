// SPDX-License-Identifier: Apache-2.0
/** A prefix in CIDR notation (RFC 4632, RFC 4291 section 2.3): a network address and a length in bits. */
import { ADDRESS_BITS, IpAddress, type IpFamily } from './ip-address.ts';
import { IpRange } from './ip-range.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** Longest text that is looked at, in characters. */
const MAX_TEXT_CHARACTERS = 80;

const LENGTH = /^(0|[1-9]\d{0,2})$/;

/** Immutable; the bits after {@link IpPrefix.length} are always zero in {@link IpPrefix.network}. */
export class IpPrefix {
  readonly network: IpAddress;
  /** 0 to 32 or 0 to 128. */
  readonly length: number;

  private constructor(network: IpAddress, length: number) {
    this.network = network;
    this.length = length;
  }

  /**
   * Reads `address/length`. Host bits are cleared; compare {@link IpPrefix.network} with the address that was written
   * to warn about them (see {@link IpPrefix.parseWithHostBits}).
   */
  static parse(text: string): Parsed<IpPrefix> {
    const result = IpPrefix.parseWithHostBits(text);
    return result.ok ? parsed(result.value.prefix) : result;
  }

  /** As {@link IpPrefix.parse}, and says whether host bits were set in the text. */
  static parseWithHostBits(text: string): Parsed<{ prefix: IpPrefix; hostBits: boolean }> {
    if (text.length > MAX_TEXT_CHARACTERS) return unparsed(`"${text.slice(0, 20)}..." is too long for a prefix`);
    const slash = text.indexOf('/');
    if (slash < 0) return unparsed(`"${text}" has no prefix length`);
    const address = IpAddress.parse(text.slice(0, slash));
    if (!address.ok) return address;
    const lengthText = text.slice(slash + 1);
    const bits = ADDRESS_BITS[address.value.family];
    if (!LENGTH.test(lengthText) || Number(lengthText) > bits) {
      return unparsed(`"${text}" has no prefix length of 0 to ${bits}`);
    }
    const prefix = IpPrefix.containing(address.value, Number(lengthText));
    return parsed({ prefix, hostBits: !prefix.network.equals(address.value) });
  }

  /** The prefix of this length that contains the address. */
  static containing(address: IpAddress, length: number): IpPrefix {
    const hostBits = BigInt(ADDRESS_BITS[address.family] - length);
    return new IpPrefix(IpAddress.of(address.family, (address.value >> hostBits) << hostBits), length);
  }

  get family(): IpFamily {
    return this.network.family;
  }

  /** First to last address, network and broadcast address included. */
  get range(): IpRange {
    const hostBits = BigInt(ADDRESS_BITS[this.family] - this.length);
    const last = IpAddress.of(this.family, this.network.value | ((1n << hostBits) - 1n));
    const range = IpRange.between(this.network, last);
    if (!range.ok) throw new RangeError(`core: prefix without range: ${range.reason}`);
    return range.value;
  }

  contains(address: IpAddress): boolean {
    return address.family === this.family && IpPrefix.containing(address, this.length).network.equals(this.network);
  }

  toString(): string {
    return `${this.network}/${this.length}`;
  }
}
