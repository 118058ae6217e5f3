// SPDX-License-Identifier: Apache-2.0
/**
 * SHA-256 (FIPS 180-4) of short texts, written out because core does no I/O and imports no platform. Not for secrets. Thousands of VIPs
 * times nodes are hashed in one go when a crowd starts, so nothing is allocated but the digest.
 */

const BLOCK_BYTES = 64;
const ROUNDS = 64;
const WORDS_A_BLOCK = 16;
/** The length in bits goes into the last 8 bytes of the last block. */
const LENGTH_BYTES = 8;
const ASCII_END = 0x80;

/** Fractional parts of the square (initial state) and cube roots (round constants) of the first primes, FIPS 180-4, 4.2.2 and 5.3.3. */
const INITIAL_STATE = fractions(8, 1 / 2);
const ROUND_CONSTANTS = fractions(ROUNDS, 1 / 3);

/** Used by one call at a time, and left as it is. */
const SCHEDULE = new Int32Array(ROUNDS);

/** The digest of the text's UTF-8 bytes, as eight big-endian 32-bit words. */
export function sha256(text: string): Uint32Array {
  // Names of nodes and addresses are ASCII; other characters are encoded all the same, so that no two texts collide.
  const bytes = isAscii(text) ? text : utf8(text);
  const state = Int32Array.from(INITIAL_STATE);
  const blocks = Math.ceil((bytes.length + 1 + LENGTH_BYTES) / BLOCK_BYTES);
  for (let block = 0; block < blocks; block++) {
    load(bytes, block);
    if (block === blocks - 1) SCHEDULE[WORDS_A_BLOCK - 1] = bytes.length * 8;
    expand();
    compress(state);
  }
  return new Uint32Array(state.buffer);
}

/** Negative, zero or positive, as the two digests compare as unsigned 256-bit numbers. */
export function compareDigests(a: Uint32Array, b: Uint32Array): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** One block of the text, whose characters are bytes, with the bit that ends it. */
function load(bytes: string, block: number): void {
  const start = block * BLOCK_BYTES;
  for (let word = 0; word < WORDS_A_BLOCK; word++) {
    const at = start + 4 * word;
    SCHEDULE[word] =
      (byteAt(bytes, at) << 24) | (byteAt(bytes, at + 1) << 16) | (byteAt(bytes, at + 2) << 8) | byteAt(bytes, at + 3);
  }
}

function byteAt(bytes: string, index: number): number {
  if (index < bytes.length) return bytes.charCodeAt(index);
  return index === bytes.length ? 0x80 : 0;
}

function expand(): void {
  for (let round = WORDS_A_BLOCK; round < ROUNDS; round++) {
    const before15 = SCHEDULE[round - 15] ?? 0;
    const before2 = SCHEDULE[round - 2] ?? 0;
    const sigma0 = rotate(before15, 7) ^ rotate(before15, 18) ^ (before15 >>> 3);
    const sigma1 = rotate(before2, 17) ^ rotate(before2, 19) ^ (before2 >>> 10);
    SCHEDULE[round] = (SCHEDULE[round - 16] ?? 0) + sigma0 + (SCHEDULE[round - 7] ?? 0) + sigma1;
  }
}

function compress(state: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let round = 0; round < ROUNDS; round++) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const first = (h + sum1 + choice + (ROUND_CONSTANTS[round] ?? 0) + (SCHEDULE[round] ?? 0)) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + sum0 + majority) | 0;
  }
  const words = [a, b, c, d, e, f, g, h];
  for (let index = 0; index < words.length; index++) state[index] = (state[index] ?? 0) + (words[index] ?? 0);
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function fractions(count: number, exponent: number): Uint32Array {
  const words = new Uint32Array(count);
  let found = 0;
  for (let candidate = 2; found < count; candidate++) {
    if (!isPrime(candidate)) continue;
    words[found++] = (candidate ** exponent % 1) * 2 ** 32;
  }
  return words;
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false;
  return true;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) >= ASCII_END) return false;
  return true;
}

/** The UTF-8 bytes, each as one character. */
function utf8(text: string): string {
  return encodeURIComponent(text).replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
