// SPDX-License-Identifier: Apache-2.0
/**
 * Many VIPs of one family, each with a few numbers, in little text: rows with a blank between, numbers of a row with a
 * dot between, all in base 36. In the order of their addresses each is written as its distance from the one before, so
 * neighbours cost one digit.
 */
import { ADDRESS_BITS, IpAddress, type IpFamily } from '../net/ip-address.ts';

const BASE = 36;
/** An address of 128 bits. */
const MAX_DIGITS = 25;
/** As many digits as a number of JavaScript holds exactly. */
const SAFE_DIGITS = 10;
const DIGITS = /^[0-9a-z]+$/;

export interface VipRow {
  readonly vip: IpAddress;
  /** Not negative, whole, below 36 ** 10. */
  readonly numbers: readonly number[];
}

/** Rows must be of one family; they come back in the order of their addresses. */
export function encodeVipRows(rows: readonly VipRow[]): string {
  let last = 0n;
  const texts = rows
    .toSorted((a, b) => a.vip.compare(b.vip))
    .map(({ vip, numbers }) => {
      const distance = (vip.value - last).toString(BASE);
      last = vip.value;
      return [distance, ...numbers.map((number) => number.toString(BASE))].join('.');
    });
  return texts.join(' ');
}

/** Undefined for text that no encoder makes, and for more rows than wanted. */
export function decodeVipRows(
  text: string,
  { family, columns, maxRows }: { readonly family: IpFamily; readonly columns: number; readonly maxRows: number },
): VipRow[] | undefined {
  if (text === '') return [];
  const rows: VipRow[] = [];
  let value = 0n;
  for (const row of text.split(' ', maxRows + 1)) {
    const [distance = '', ...numbers] = row.split('.', columns + 2);
    const ahead = readLarge(distance);
    const read = numbers.map(readSmall);
    if (ahead === undefined || read.length !== columns || rows.length === maxRows) return undefined;
    value += ahead;
    if (value >> BigInt(ADDRESS_BITS[family]) !== 0n || read.some(Number.isNaN)) return undefined;
    rows.push({ vip: IpAddress.of(family, value), numbers: read });
  }
  return rows;
}

function readLarge(digits: string): bigint | undefined {
  if (digits.length <= SAFE_DIGITS) {
    const small = readSmall(digits);
    return Number.isNaN(small) ? undefined : BigInt(small);
  }
  if (digits.length > MAX_DIGITS || !DIGITS.test(digits)) return undefined;
  let value = 0n;
  for (const digit of digits) value = value * BigInt(BASE) + BigInt(Number.parseInt(digit, BASE));
  return value;
}

// NaN for anything else than a few digits.
function readSmall(digits: string): number {
  return digits.length <= SAFE_DIGITS && DIGITS.test(digits) ? Number.parseInt(digits, BASE) : Number.NaN;
}
