// SPDX-License-Identifier: Apache-2.0
/** SHA-256 (FIPS 180-4) of short texts, written out because core does no I/O and imports no platform. Not for secrets. */

const BLOCK_BYTES = 64;
const ROUNDS = 64;
/** The length in bits goes into the last 8 bytes of the last block. */
const LENGTH_BYTES = 8;

/** Fractional parts of the square (initial state) and cube roots (round constants) of the first primes, FIPS 180-4, 4.2.2 and 5.3.3. */
const INITIAL_STATE = fractions(8, 1 / 2);
const ROUND_CONSTANTS = fractions(ROUNDS, 1 / 3);

/** The digest of the text's UTF-8 bytes, as eight big-endian 32-bit words. */
export function sha256(text: string): Uint32Array {
  const blocks = padded(utf8(text));
  const state = Uint32Array.from(INITIAL_STATE);
  const schedule = new Uint32Array(ROUNDS);
  for (let offset = 0; offset < blocks.byteLength; offset += BLOCK_BYTES) {
    expand(blocks, offset, schedule);
    compress(state, schedule);
  }
  return state;
}

/** Negative, zero or positive, as the two digests compare as unsigned 256-bit numbers. */
export function compareDigests(a: Uint32Array, b: Uint32Array): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function padded(bytes: Uint8Array): DataView {
  const length = Math.ceil((bytes.length + 1 + LENGTH_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
  const blocks = new Uint8Array(length);
  blocks.set(bytes);
  blocks[bytes.length] = 0x80;
  const view = new DataView(blocks.buffer);
  view.setBigUint64(length - LENGTH_BYTES, BigInt(bytes.length) * 8n);
  return view;
}

function expand(blocks: DataView, offset: number, schedule: Uint32Array): void {
  for (let round = 0; round < 16; round++) schedule[round] = blocks.getUint32(offset + round * 4);
  for (let round = 16; round < ROUNDS; round++) {
    const before15 = schedule[round - 15] ?? 0;
    const before2 = schedule[round - 2] ?? 0;
    const sigma0 = rotate(before15, 7) ^ rotate(before15, 18) ^ (before15 >>> 3);
    const sigma1 = rotate(before2, 17) ^ rotate(before2, 19) ^ (before2 >>> 10);
    schedule[round] = (schedule[round - 16] ?? 0) + sigma0 + (schedule[round - 7] ?? 0) + sigma1;
  }
}

function compress(state: Uint32Array, schedule: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let round = 0; round < ROUNDS; round++) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const first = (h + sum1 + choice + (ROUND_CONSTANTS[round] ?? 0) + (schedule[round] ?? 0)) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + sum0 + majority) | 0];
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] ?? 0) + word;
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

// Node and IP names are ASCII; other characters are encoded all the same, so that no two texts collide.
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text).replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Uint8Array.from(escaped, (character) => character.charCodeAt(0));
}
