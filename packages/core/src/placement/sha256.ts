// SPDX-License-Identifier: Apache-2.0
/** SHA-256 (FIPS 180-4) of texts, by @noble/hashes, which imports no platform. Not for secrets. */
import { sha256 as digestOf } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

/** The digest of the text's UTF-8 bytes, as eight big-endian 32-bit words. */
export function sha256(text: string): Uint32Array {
  const bytes = digestOf(utf8ToBytes(text));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = new Uint32Array(bytes.length / 4);
  for (let index = 0; index < words.length; index++) words[index] = view.getUint32(4 * index);
  return words;
}

/** Negative, zero or positive, as the two digests compare as unsigned 256-bit numbers. */
export function compareDigests(a: Uint32Array, b: Uint32Array): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
