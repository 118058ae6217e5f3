// SPDX-License-Identifier: Apache-2.0
/** Addresses that no client on a LAN can reach, by the registries of RFC 6890. */
import { IpPrefix } from '../net/ip-prefix.ts';
import type { IpRange } from '../net/ip-range.ts';

const SPECIAL: readonly { readonly prefix: string; readonly what: string }[] = [
  { prefix: '0.0.0.0/8', what: '"this network"' },
  { prefix: '127.0.0.0/8', what: 'loopback' },
  { prefix: '169.254.0.0/16', what: 'link-local' },
  { prefix: '224.0.0.0/4', what: 'multicast' },
  { prefix: '240.0.0.0/4', what: 'reserved' },
  { prefix: '::/127', what: 'unspecified and loopback' },
  { prefix: 'fe80::/10', what: 'link-local' },
  { prefix: 'ff00::/8', what: 'multicast' },
];

const RANGES = SPECIAL.flatMap(({ prefix, what }) => {
  const parsed = IpPrefix.parse(prefix);
  return parsed.ok ? [{ prefix, what, range: parsed.value.range }] : [];
});

/** What is special about some address of the range, as `loopback (127.0.0.0/8)`; undefined when nothing is. */
export function specialIn(range: IpRange): string | undefined {
  const special = RANGES.find((each) => each.range.overlaps(range));
  return special && `${special.what} (${special.prefix})`;
}
