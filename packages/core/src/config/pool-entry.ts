// SPDX-License-Identifier: Apache-2.0
/** One entry of `spec.addresses` or `spec.exclude`: a CIDR or a first-last range. */
import { ADDRESS_BITS, IpAddress } from '../net/ip-address.ts';
import { IpPrefix } from '../net/ip-prefix.ts';
import { IpRange } from '../net/ip-range.ts';
import type { PoolEntry } from './pool-config.ts';

export type ParsedPoolEntry =
  | { readonly ok: true; readonly entry: PoolEntry; readonly hostBits: IpPrefix | undefined }
  | { readonly ok: false; readonly wanted: string; readonly reason: string };

/** Length of the largest net that is accepted, in bits, for both families. */
const SHORTEST_PREFIX = 8;

const WANTED = 'a CIDR such as 192.0.2.0/28, or a range such as 192.0.2.10-192.0.2.20';

/**
 * Reads an entry; blanks at the ends and round the dash do not matter. Host bits in a CIDR are cleared and the prefix
 * that was meant is given back in `hostBits`. A single address is refused, since no one can tell whether a whole net
 * was meant.
 */
export function parsePoolEntry(written: string): ParsedPoolEntry {
  const text = written.trim();
  if (isMapped(text)) {
    return { ok: false, wanted: WANTED, reason: 'an IPv4-mapped IPv6 address; write it as IPv4, without ::ffff:' };
  }
  if (text.includes('/')) return withinLan(parsePrefix(text));
  if (text.includes('-')) return withinLan(parseRange(text));
  const single = IpAddress.parse(text);
  if (!single.ok) return { ok: false, wanted: WANTED, reason: single.reason };
  const length = single.value.family === 'IPv4' ? 32 : 128;
  return { ok: false, wanted: `${text}/${length}, or a range`, reason: 'a single address needs its prefix length' };
}

// IpAddress reads the address as IPv4. A prefix length or the end of a range could then mean either family.
function isMapped(text: string): boolean {
  return text.split(/[-/]/).some((part) => {
    const address = part.includes(':') ? IpAddress.parse(part.trim()) : undefined;
    return address?.ok === true && address.value.family === 'IPv4';
  });
}

/**
 * Refuses what is larger than any LAN: such an entry is an example or a rule for a firewall, and would give out 0.0.0.0
 * first.
 */
function withinLan(result: ParsedPoolEntry): ParsedPoolEntry {
  if (!result.ok) return result;
  const { range } = result.entry;
  const bits = ADDRESS_BITS[range.family] - SHORTEST_PREFIX;
  if (range.size <= 1n << BigInt(bits)) return result;
  const reason = `more than a /${SHORTEST_PREFIX} of ${range.family}, which no LAN has`;
  return { ok: false, wanted: 'free addresses of the LAN', reason };
}

function parsePrefix(text: string): ParsedPoolEntry {
  const result = IpPrefix.parseWithHostBits(text);
  if (!result.ok) return { ok: false, wanted: WANTED, reason: result.reason };
  const { prefix, hostBits } = result.value;
  return { ok: true, entry: { text, range: prefix.range }, hostBits: hostBits ? prefix : undefined };
}

function parseRange(text: string): ParsedPoolEntry {
  const ends = text.split('-').map((end) => IpAddress.parse(end.trim()));
  const [first, last] = ends;
  if (ends.length === 2 && first?.ok && last?.ok) {
    if (first.value.family !== last.value.family) {
      return { ok: false, wanted: 'both ends of one family', reason: 'one end is IPv4, the other IPv6' };
    }
    if (first.value.compare(last.value) > 0) {
      return { ok: false, wanted: 'the lower address first', reason: `${first.value} is above ${last.value}` };
    }
  }
  const range = IpRange.parse(text);
  if (!range.ok) return { ok: false, wanted: WANTED, reason: range.reason };
  return { ok: true, entry: { text, range: range.value }, hostBits: undefined };
}
