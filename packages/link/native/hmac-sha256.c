// SPDX-License-Identifier: Apache-2.0
#include "hmac-sha256.h"

// Neither of these functions can fail: they return 1 always.
static void begin(SHA256_CTX *state, const uint8_t block[SHA256_CBLOCK]) {
  SHA256_Init(state);
  SHA256_Update(state, block, SHA256_CBLOCK);
}

static void finish(SHA256_CTX state, const uint8_t *message, size_t length, uint8_t digest[SHA256_DIGEST_LENGTH]) {
  SHA256_Update(&state, message, length);
  SHA256_Final(digest, &state);
}

void hmac_key_set(struct hmac_key *key, const uint8_t inner[SHA256_CBLOCK], const uint8_t outer[SHA256_CBLOCK]) {
  begin(&key->inner, inner);
  begin(&key->outer, outer);
}

void hmac_sha256(const struct hmac_key *key, const uint8_t *message, size_t length, uint8_t digest[SHA256_DIGEST_LENGTH]) {
  uint8_t inner[SHA256_DIGEST_LENGTH];
  finish(key->inner, message, length, inner);
  finish(key->outer, inner, sizeof inner, digest);
}
