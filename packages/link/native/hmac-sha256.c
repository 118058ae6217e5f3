// SPDX-License-Identifier: Apache-2.0
#include "hmac-sha256.h"

#include <string.h>

// The message schedule and the length field of the last block (FIPS 180-4, 5.1.1 and 6.2.2).
enum { ROUNDS = 64, LENGTH_BYTES = 8, END_MARK = 0x80 };

// Fractional parts of the square roots and the cube roots of the first primes (FIPS 180-4, 5.3.3 and 4.2.2).
static const uint32_t INITIAL[SHA256_WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const uint32_t CONSTANTS[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static uint32_t load(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store(uint8_t *bytes, uint32_t word) {
  for (int index = 0; index < 4; index++) bytes[index] = (uint8_t)(word >> (24 - 8 * index));
}

static void expand(const uint8_t block[SHA256_BLOCK_BYTES], uint32_t schedule[ROUNDS]) {
  for (int index = 0; index < 16; index++) schedule[index] = load(block + 4 * (size_t)index);
  for (int index = 16; index < ROUNDS; index++) {
    uint32_t before15 = schedule[index - 15], before2 = schedule[index - 2];
    uint32_t sigma0 = rotate(before15, 7) ^ rotate(before15, 18) ^ before15 >> 3;
    uint32_t sigma1 = rotate(before2, 17) ^ rotate(before2, 19) ^ before2 >> 10;
    schedule[index] = schedule[index - 16] + sigma0 + schedule[index - 7] + sigma1;
  }
}

// One round: s holds a to h of the standard, rotated by one place a round.
static void round_of(uint32_t s[SHA256_WORDS], uint32_t constant_and_word) {
  uint32_t sum1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
  uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
  uint32_t first = s[7] + sum1 + choice + constant_and_word;
  uint32_t sum0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
  uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
  for (int index = SHA256_WORDS - 1; index > 0; index--) s[index] = s[index - 1];
  s[4] += first;
  s[0] = first + sum0 + majority;
}

static void compress(uint32_t state[SHA256_WORDS], const uint8_t block[SHA256_BLOCK_BYTES]) {
  uint32_t schedule[ROUNDS], working[SHA256_WORDS];
  expand(block, schedule);
  memcpy(working, state, sizeof working);
  for (int index = 0; index < ROUNDS; index++) round_of(working, CONSTANTS[index] + schedule[index]);
  for (int index = 0; index < SHA256_WORDS; index++) state[index] += working[index];
}

// Ends a hash that began with one block of key: the length counts that block too.
static void finish(uint32_t state[SHA256_WORDS], const uint8_t *message, size_t length,
                   uint8_t digest[SHA256_DIGEST_BYTES]) {
  uint64_t bits = ((uint64_t)length + SHA256_BLOCK_BYTES) * 8;
  for (; length >= SHA256_BLOCK_BYTES; length -= SHA256_BLOCK_BYTES, message += SHA256_BLOCK_BYTES)
    compress(state, message);
  uint8_t block[SHA256_BLOCK_BYTES] = {0};
  memcpy(block, message, length);
  block[length] = END_MARK;
  if (length + 1 > SHA256_BLOCK_BYTES - LENGTH_BYTES) {
    compress(state, block);
    memset(block, 0, sizeof block);
  }
  store(block + SHA256_BLOCK_BYTES - LENGTH_BYTES, (uint32_t)(bits >> 32));
  store(block + SHA256_BLOCK_BYTES - LENGTH_BYTES / 2, (uint32_t)bits);
  compress(state, block);
  for (int index = 0; index < SHA256_WORDS; index++) store(digest + 4 * (size_t)index, state[index]);
}

void hmac_key_set(struct hmac_key *key, const uint8_t inner[SHA256_BLOCK_BYTES],
                  const uint8_t outer[SHA256_BLOCK_BYTES]) {
  memcpy(key->inner, INITIAL, sizeof INITIAL);
  memcpy(key->outer, INITIAL, sizeof INITIAL);
  compress(key->inner, inner);
  compress(key->outer, outer);
}

void hmac_sha256(const struct hmac_key *key, const uint8_t *message, size_t length,
                 uint8_t digest[SHA256_DIGEST_BYTES]) {
  uint32_t state[SHA256_WORDS];
  uint8_t inner[SHA256_DIGEST_BYTES];
  memcpy(state, key->inner, sizeof state);
  finish(state, message, length, inner);
  memcpy(state, key->outer, sizeof state);
  finish(state, inner, sizeof inner, digest);
}
