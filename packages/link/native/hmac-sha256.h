// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA-256 (RFC 2104) for the tag of heartbeats, by the OpenSSL inside Node: a key is prepared once, a frame costs
// three blocks more than its own, and nothing is allocated. Not for secrets of any length: keys are derived by the
// caller.
#ifndef BERTH_HMAC_SHA256_H
#define BERTH_HMAC_SHA256_H

// The hash itself and not EVP: its state is a value that is copied for each frame, without memory that could run out.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

// The states after the inner and the outer padded key.
struct hmac_key {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

// Prepares a key from its two padded blocks (key XOR 0x36.., key XOR 0x5c..).
void hmac_key_set(struct hmac_key *key, const uint8_t inner[SHA256_CBLOCK], const uint8_t outer[SHA256_CBLOCK]);

void hmac_sha256(const struct hmac_key *key, const uint8_t *message, size_t length, uint8_t digest[SHA256_DIGEST_LENGTH]);

#endif
