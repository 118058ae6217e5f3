// SPDX-License-Identifier: Apache-2.0
/** The values that stand in a node's state at many places: addresses, names, times. */
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { countOf, oneOf, textOf } from './json-fields.ts';
import { decodeVipRows } from './vip-rows.ts';

/** What the API server takes as annotations of one object. */
export const MAX_CHARACTERS = 256 * 1024;
export const MAX_WORD_CHARACTERS = 64;
/** As many members as a speaker keeps of one segment. */
const MAX_MEMBERS = 800;
export const MAX_NAMES_CHARACTERS = MAX_MEMBERS * 254;
const MAX_VIPS = 50_000;
export const NODE_NAME = /^[a-z0-9][a-z0-9.-]{0,252}$/;
/** The end of the year 9999: what a Date, and RFC 3339, tell in four digits. */
export const LAST_SECONDS = 253_402_300_799;
const FAMILIES = ['IPv4', 'IPv6'] as const;

export function matching(text: string | undefined, pattern: RegExp): string | undefined {
  return text !== undefined && pattern.test(text) ? text : undefined;
}

/** Seconds since 1970 that a date can show. */
export function secondsOf(value: unknown): number | undefined {
  const seconds = countOf(value);
  return seconds !== undefined && seconds <= LAST_SECONDS ? seconds : undefined;
}

export function namesOf(value: unknown): string[] | undefined {
  const text = textOf(value, MAX_NAMES_CHARACTERS);
  if (text === undefined) return undefined;
  const names = text === '' ? [] : text.split(' ', MAX_MEMBERS + 1);
  if (names.length > MAX_MEMBERS || !names.every((name) => NODE_NAME.test(name))) return undefined;
  return names;
}

export function vipsOf(rows: unknown, family: unknown, columns: number) {
  const text = textOf(rows, MAX_CHARACTERS);
  const known = oneOf(family, FAMILIES);
  if (text === undefined || known === undefined) return undefined;
  return decodeVipRows(text, { family: known, columns, maxRows: MAX_VIPS });
}

export function ipOf(value: unknown): IpAddress | undefined {
  const address = IpAddress.parse(textOf(value, MAX_WORD_CHARACTERS) ?? '');
  return address.ok ? address.value : undefined;
}

export function macOf(value: unknown): MacAddress | undefined {
  const address = MacAddress.parse(textOf(value, MAX_WORD_CHARACTERS) ?? '');
  return address.ok ? address.value : undefined;
}
