// SPDX-License-Identifier: Apache-2.0
/** Numbers of addresses as people read them. */

/** Numbers beyond this are shown rounded; a reader of a /64 does not count. */
const MAX_EXACT = 1_000_000_000n;

export function countText(count: bigint): string {
  if (count <= MAX_EXACT) return String(count);
  const power = count.toString(2).length - 1;
  return `${count === 1n << BigInt(power) ? '' : 'over '}2^${power}`;
}
