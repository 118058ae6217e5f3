// SPDX-License-Identifier: Apache-2.0
/** The Internet checksum (RFC 1071): the complement of the one's complement sum of 16-bit words. */

/**
 * The checksum of the parts one after the other, from 0 to 0xffff. An odd last byte counts as the high half of a word;
 * only the last part may be odd. Over bytes that hold their own checksum the result is 0.
 */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let offset = 0; offset < part.length; offset += 2) {
      sum += ((part[offset] ?? 0) << 8) | (part[offset + 1] ?? 0);
    }
  }
  // A frame has far fewer than 2^32 words, so the sum is exact; two folds bring any carry back in.
  while (sum > 0xffff) sum = Math.floor(sum / 0x10000) + (sum % 0x10000);
  return sum ^ 0xffff;
}
