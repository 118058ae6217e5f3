// SPDX-License-Identifier: Apache-2.0
/** Times, counts and addresses as people read them. Times of day are those of the reader's own place. */

import { countText } from '@berth/core';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * A duration by its largest unit, or by two where the second one matters: `12 s`, `4 min`, `3 h 20 min`, `5 d`. Never
 * negative.
 */
export function formatSpan(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE_MS) return `${Math.round(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms >= DAY_MS) return `${Math.floor(ms / DAY_MS)} d`;
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  return minutes === 0 ? `${Math.floor(ms / HOUR_MS)} h` : `${Math.floor(ms / HOUR_MS)} h ${minutes} min`;
}

/** How long ago, against `nowMs`: `just now`, `12 s ago`. */
export function formatAgo(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  return ms < 2 * SECOND_MS ? 'just now' : `${formatSpan(ms)} ago`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
const SHORT_CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** The time of day with seconds; with the day in front when that is not today. */
export function formatClock(atMs: number, nowMs: number): string {
  const text = CLOCK.format(atMs);
  return DAY.format(atMs) === DAY.format(nowMs) ? text : `${DAY.format(atMs)} ${text}`;
}

/** The time of day in minutes. */
export function formatMinute(atMs: number): string {
  return SHORT_CLOCK.format(atMs);
}

/** A time that no one answered, in milliseconds where that says more. */
export function formatGap(milliseconds: number): string {
  return milliseconds < 10 * SECOND_MS ? `${Math.round(milliseconds)} ms` : formatSpan(milliseconds);
}

const COUNT = new Intl.NumberFormat('en');

/** A count with its thousands apart. */
export function formatNumber(count: number): string {
  return COUNT.format(count);
}

/** A count of addresses: exact up to a billion, else by a power of two, in the words of `kubectl berth pools`. */
export function formatAddresses(decimal: string): string {
  const count = BigInt(decimal);
  const text = countText(count);
  return text === decimal ? COUNT.format(count) : text;
}

/** `1 VIP`, `2 VIPs`. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

/** A key that sorts addresses as numbers, IPv4 first. Any other text sorts last. */
export function addressKey(address: string): string {
  if (/^\d+(\.\d+){3}$/.test(address))
    return `4${address
      .split('.')
      .map((part) => part.padStart(3, '0'))
      .join('')}`;
  if (!address.includes(':')) return `z${address}`;
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const gap = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return `6${[...before, ...Array(gap).fill('0'), ...after].map((group) => group.padStart(4, '0')).join('')}`;
}
