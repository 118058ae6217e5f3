// SPDX-License-Identifier: Apache-2.0
/** 48-bit MAC addresses (IEEE 802) as immutable values. The canonical text is six lower-case hex pairs with colons. */
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** Length of a MAC address on the wire, in bytes. */
export const MAC_LENGTH_BYTES = 6;

const TEXT = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const LARGEST = 0xffff_ffff_ffff;
/** The group bit: the lowest bit of the first byte (IEEE 802-2014, 8.2.2). */
const GROUP_BIT = 2 ** 40;

/** A MAC address. Compare with {@link MacAddress.equals}; use {@link MacAddress.toString} as a map key. */
export class MacAddress {
  static readonly BROADCAST = new MacAddress(LARGEST);
  /** All zeros: the target of an ARP request, never a station. */
  static readonly ZERO = new MacAddress(0);

  /** The address as an unsigned 48-bit number in network order. */
  readonly value: number;

  private constructor(value: number) {
    this.value = value;
  }

  /** Reads `00:00:5e:00:53:01` in either case; any other spelling is refused. */
  static parse(text: string): Parsed<MacAddress> {
    if (!TEXT.test(text)) return unparsed(`"${text.slice(0, 40)}" is not a MAC address`);
    return parsed(new MacAddress(Number.parseInt(text.replaceAll(':', ''), 16)));
  }

  /** The address in 6 bytes in network order (copied), or undefined for any other length. */
  static fromBytes(bytes: Uint8Array): MacAddress | undefined {
    if (bytes.length !== MAC_LENGTH_BYTES) return undefined;
    return new MacAddress(bytes.reduce((value, byte) => value * 256 + byte, 0));
  }

  /** 6 bytes in network order, a fresh copy. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(MAC_LENGTH_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, Math.floor(this.value / 2 ** 32));
    view.setUint32(2, this.value % 2 ** 32);
    return bytes;
  }

  equals(other: MacAddress): boolean {
    return this.value === other.value;
  }

  get isBroadcast(): boolean {
    return this.value === LARGEST;
  }

  get isZero(): boolean {
    return this.value === 0;
  }

  /** Whether it names a group of stations; the broadcast address does. */
  get isMulticast(): boolean {
    return Math.floor(this.value / GROUP_BIT) % 2 === 1;
  }

  toString(): string {
    const hex = this.value.toString(16).padStart(MAC_LENGTH_BYTES * 2, '0');
    return hex.replace(/..(?!$)/g, '$&:');
  }

  toJSON(): string {
    return this.toString();
  }
}
