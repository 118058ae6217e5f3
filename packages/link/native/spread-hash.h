// SPDX-License-Identifier: Apache-2.0
// The fingerprint of a flow and its row, as core's flow-hash.ts has them; the vectors beside that hold both.
#ifndef BERTH_SPREAD_HASH_H
#define BERTH_SPREAD_HASH_H

#include <stdint.h>

#include "spread-packet.h"

#define SPREAD_HASH_FACTOR UINT64_C(0x9fb21c651e98df25)
#define SPREAD_HASH_LAST UINT64_C(0x9e3779b97f4a7c15)

struct flow_hash {
  // Of all flows of one client to one VIP.
  uint64_t client;
  // Never 0.
  uint64_t fingerprint;
};

static inline __attribute__((always_inline)) uint64_t spread_step(uint64_t hash, uint64_t word) {
  uint64_t product = (hash ^ word) * SPREAD_HASH_FACTOR;
  return product ^ product >> 32;
}

// Words of addresses are read as on the wire; all machines that Berth runs on are little-endian.
static inline __attribute__((always_inline)) struct flow_hash spread_hash(uint64_t seed, const struct packet *packet) {
  uint64_t client = seed;
  client = spread_step(client, __builtin_bswap64(packet->source.words[0]));
  client = spread_step(client, __builtin_bswap64(packet->source.words[1]));
  client = spread_step(client, __builtin_bswap64(packet->destination.words[0]));
  client = spread_step(client, __builtin_bswap64(packet->destination.words[1]));
  uint64_t ports = (uint64_t)packet->source_port << 48 | (uint64_t)packet->destination_port << 32 | packet->protocol;
  uint64_t fingerprint = spread_step(spread_step(client, ports), SPREAD_HASH_LAST);
  return (struct flow_hash){.client = spread_step(client, SPREAD_HASH_LAST), .fingerprint = fingerprint == 0 ? 1 : fingerprint};
}

#endif
