// SPDX-License-Identifier: Apache-2.0
// A libFuzzer target for the decisions on frames: whatever comes in, nothing is read outside of it, and what goes out
// is a reply of ours for a VIP of ours. The first byte of an input says whether the fence holds; the rest is the frame.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../native/frame-verdict.h"

enum { ARP_TARGET = 28, NDP_TARGET_AT = 62, ETHER_SOURCE = 6, MESSAGE = 54, HEADER = 22 };

static const uint8_t own_mac[MAC_BYTES] = {0x00, 0x00, 0x5e, 0x00, 0x53, 0x01};
// 203.0.113.20 and 2001:db8:5::7 on this interface, 203.0.113.21 and 2001:db8:5::8 on another: the vectors of core.
static const uint8_t vips[][VIP_ADDRESS_BYTES] = {
    {[10] = 0xff, 0xff, 203, 0, 113, 20},
    {0x20, 0x01, 0x0d, 0xb8, 0, 5, [15] = 7},
    {[10] = 0xff, 0xff, 203, 0, 113, 21},
    {0x20, 0x01, 0x0d, 0xb8, 0, 5, [15] = 8},
};
enum { VIP_COUNT = sizeof vips / sizeof *vips, VIPS_HERE = 2 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static struct vip_table *make_table(void) {
  uint8_t rows[VIP_COUNT][VIP_ROW_BYTES];
  for (int index = 0; index < VIP_COUNT; index++) {
    uint64_t slots = index < VIPS_HERE ? 1 : 2;
    memcpy(rows[index], vips[index], VIP_ADDRESS_BYTES);
    memcpy(rows[index] + VIP_ADDRESS_BYTES, &slots, sizeof slots);
  }
  return vip_table_create(rows[0], VIP_COUNT, NULL);
}

static uint16_t checksum_of(const uint8_t *frame, size_t length) {
  uint32_t sum = (uint32_t)length + 58;
  for (size_t at = 0; at < 32; at += 2) sum += (uint32_t)(frame[HEADER + at] << 8 | frame[HEADER + at + 1]);
  for (size_t at = 0; at < length; at++) sum += at % 2 == 0 ? (uint32_t)frame[MESSAGE + at] << 8 : frame[MESSAGE + at];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static void require(bool condition) {
  if (!condition) abort();
}

static void check_reply(const uint8_t *reply, const struct verdict *verdict) {
  require(memcmp(reply + ETHER_SOURCE, own_mac, MAC_BYTES) == 0);
  if (verdict->reply_length == ARP_FRAME_BYTES) {
    require(memcmp(reply + ARP_TARGET, vips[0] + 12, 4) == 0);
    return;
  }
  require(verdict->reply_length == NDP_FRAME_BYTES);
  require(memcmp(reply + NDP_TARGET_AT, vips[1], VIP_ADDRESS_BYTES) == 0);
  require(checksum_of(reply, NDP_FRAME_BYTES - MESSAGE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct vip_table *table;
  if (table == NULL) table = make_table();
  if (size == 0) return 0;
  uint8_t reply[NDP_FRAME_BYTES];
  struct decision_point at = {.table = table, .slot_bit = 1, .mac = own_mac, .fence_holds = data[0] % 2 == 1};
  struct verdict verdict = frame_verdict(&at, data + 1, size - 1, reply);
  require(verdict.outcome < OUTCOME_COUNT);
  require(at.fence_holds || verdict.reply_length == 0);
  if (verdict.reply_length > 0) check_reply(reply, &verdict);
  return 0;
}

// Chance hardly ever finds a checksum: of every two changed messages one is given the right one.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  uint8_t *frame = data + 1;
  if (seed % 2 == 0 || size < 1 + MESSAGE + 4 || !frame_is_ipv6(frame, size - 1)) return size;
  size_t length = size - 1 - MESSAGE;
  frame[18] = (uint8_t)(length >> 8);
  frame[19] = (uint8_t)length;
  memset(frame + MESSAGE + 2, 0, 2);
  uint16_t checksum = checksum_of(frame, length);
  frame[MESSAGE + 2] = (uint8_t)(checksum >> 8);
  frame[MESSAGE + 3] = (uint8_t)checksum;
  return size;
}
