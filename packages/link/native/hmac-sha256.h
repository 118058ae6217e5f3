// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA-256 (RFC 2104, FIPS 180-4) for the tag of heartbeats: the key is prepared once, a frame costs three blocks more than its
// own. Not for secrets of any length: keys are derived by the caller.
#ifndef BERTH_HMAC_SHA256_H
#define BERTH_HMAC_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BLOCK_BYTES = 64, SHA256_DIGEST_BYTES = 32, SHA256_WORDS = 8 };

// The states after the inner and the outer padded key.
struct hmac_key {
  uint32_t inner[SHA256_WORDS];
  uint32_t outer[SHA256_WORDS];
};

// Prepares a key from its two padded blocks (key XOR 0x36.., key XOR 0x5c..).
void hmac_key_set(struct hmac_key *key, const uint8_t inner[SHA256_BLOCK_BYTES], const uint8_t outer[SHA256_BLOCK_BYTES]);

void hmac_sha256(const struct hmac_key *key, const uint8_t *message, size_t length, uint8_t digest[SHA256_DIGEST_BYTES]);

#endif
