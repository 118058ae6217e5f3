// SPDX-License-Identifier: Apache-2.0
// Packets in memory, for what reads them outside the kernel: tests and fuzzers. Nothing outside of the given bytes is
// read.
#ifndef BERTH_PACKET_MEMORY_H
#define BERTH_PACKET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINED static inline
struct packet_source {
  const uint8_t *bytes;
  size_t length;
};
#include "spread-packet-read.h"

static inline bool packet_read(struct packet_source *from, uint32_t offset, void *to, uint32_t length) {
  if (offset > from->length || length > from->length - offset) return false;
  memcpy(to, from->bytes + offset, length);
  return true;
}

#endif
