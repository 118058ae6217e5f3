// SPDX-License-Identifier: Apache-2.0
// A libFuzzer target for the reading of packets that are spread: whatever comes in, nothing is read outside of it. The
// first byte of an input says which family the frame claims; the rest is the frame.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../native/packet-memory.h"

static void require(bool condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct packet packet = {0};
  // Memory of just that size, so that the sanitizer sees the first byte that is too much.
  uint8_t *copy = malloc(size > 1 ? size - 1 : 1);
  if (copy == NULL) return 0;
  memcpy(copy, data + 1, size - 1);
  struct packet_source from = {.bytes = copy, .length = size - 1};
  bool is_ipv6 = data[0] % 2 == 1;
  if (packet_read_addresses(&from, ETHERNET_BYTES, is_ipv6, &packet)) {
    enum packet_kind kind = packet_read_flow(&from, &packet);
    require(kind == PACKET_OTHER || kind == PACKET_FRAGMENT || has_ports(packet.protocol));
    require(kind == PACKET_FLOW || kind == PACKET_FIRST_FRAGMENT || !packet.is_opening);
    require(kind != PACKET_FRAGMENT || !packet.is_first);
  }
  free(copy);
  return 0;
}
