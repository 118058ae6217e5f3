// SPDX-License-Identifier: Apache-2.0
#include "ndp-decide.h"

#include <string.h>

// Offsets into the frame, in bytes: Ethernet header, IPv6 header (RFC 8200), message (RFC 4861).
enum {
  NDP_DESTINATION = 0,
  NDP_SOURCE = 6,
  NDP_ETHER_TYPE = 12,
  NDP_IP = 14,
  NDP_PAYLOAD_LENGTH = NDP_IP + 4,
  NDP_IP_NEXT_HEADER = NDP_IP + 6,
  NDP_IP_HOP_LIMIT = NDP_IP + 7,
  NDP_IP_SOURCE = NDP_IP + 8,
  NDP_IP_DESTINATION = NDP_IP + 24,
  NDP_MESSAGE = NDP_IP + 40,
  NDP_MESSAGE_CODE = NDP_MESSAGE + 1,
  NDP_MESSAGE_CHECKSUM = NDP_MESSAGE + 2,
  NDP_FLAGS = NDP_MESSAGE + 4,
  NDP_TARGET = NDP_MESSAGE + 8,
  NDP_OPTIONS = NDP_MESSAGE + 24,
};

enum { NDP_TYPE_IPV6 = 0x86dd, NDP_ICMPV6 = 58, NDP_SOLICITATION = 135, NDP_ADVERTISEMENT = 136 };
enum { NDP_FIXED_BYTES = 24, NDP_UNIT_BYTES = 8, NDP_REPLY_BYTES = NDP_FIXED_BYTES + NDP_UNIT_BYTES };
enum { NDP_MAX_UNITS = (NDP_LONGEST_MESSAGE - NDP_FIXED_BYTES) / NDP_UNIT_BYTES };
enum { NDP_SOURCE_LINK_LAYER = 1, NDP_TARGET_LINK_LAYER = 2 };
enum { NDP_FLAG_SOLICITED = 0x40, NDP_FLAG_OVERRIDE = 0x20 };

static const uint8_t ndp_unspecified[VIP_ADDRESS_BYTES];
// ::ffff:0:0/96
static const uint8_t ndp_mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};
// ff02::1:ff00:0/104
static const uint8_t ndp_solicited_prefix[13] = {[0] = 0xff, [1] = 0x02, [11] = 0x01, [12] = 0xff};

// In the kernel, offsets into the frame must be constants: loops are unrolled, and branches that read at different
// places are not joined. Other compilers do as they like.
#ifdef __bpf__
#define NDP_UNROLLED _Pragma("clang loop unroll(full)")
#define NDP_BRANCH_APART __asm__ volatile("")
#else
#define NDP_UNROLLED
#define NDP_BRANCH_APART (void)0
#endif

static uint16_t ndp_read_u16(const uint8_t *bytes) { return (uint16_t)(bytes[0] << 8 | bytes[1]); }

static bool ndp_same(const uint8_t *a, const uint8_t *b) { return memcmp(a, b, MAC_BYTES) == 0; }

// The checksum of RFC 1071 over pseudo-header and message; 0 when the message holds its own. At most
// NDP_LONGEST_MESSAGE bytes.
static uint16_t ndp_checksum(const uint8_t *frame, uint32_t length) {
  uint32_t sum = length + NDP_ICMPV6;
  NDP_UNROLLED
  for (uint32_t offset = 0; offset < 2 * VIP_ADDRESS_BYTES; offset += 2) sum += ndp_read_u16(frame + NDP_IP_SOURCE + offset);
  NDP_UNROLLED
  for (uint32_t offset = 0; offset < NDP_LONGEST_MESSAGE; offset += 2) {
    if (offset < length) sum += (uint32_t)frame[NDP_MESSAGE + offset] << 8;
    if (offset + 1 < length) sum += frame[NDP_MESSAGE + offset + 1];
  }
  // The sum of at most 78 words has at most 23 bits: two folds are enough.
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

// NDP_REPLY stands for "nothing wrong so far", here and below. `length` becomes that of the message.
static enum ndp_outcome ndp_judge_packet(const struct decision_point *at, const uint8_t *frame, uint32_t *length) {
  uint32_t frame_length = *length;
  if (frame_length < NDP_IP) return NDP_SHORT_FRAME;
  if (ndp_read_u16(frame + NDP_ETHER_TYPE) != NDP_TYPE_IPV6) return NDP_OTHER_ETHERTYPE;
  bool is_group = frame[NDP_DESTINATION] == 0x33 && frame[NDP_DESTINATION + 1] == 0x33;
  if (!is_group && !ndp_same(frame + NDP_DESTINATION, at->mac)) return NDP_OTHER_DESTINATION;
  if (frame_length < NDP_MESSAGE) return NDP_TRUNCATED;
  if (frame[NDP_IP] >> 4 != 6) return NDP_IP_VERSION;
  *length = ndp_read_u16(frame + NDP_PAYLOAD_LENGTH);
  if (frame_length < NDP_MESSAGE + *length) return NDP_TRUNCATED;
  if (frame[NDP_IP_NEXT_HEADER] != NDP_ICMPV6) return NDP_NEXT_HEADER;
  if (*length == 0) return NDP_TRUNCATED;
  uint8_t type = frame[NDP_MESSAGE];
  if (type != NDP_SOLICITATION && type != NDP_ADVERTISEMENT) return NDP_ICMPV6_TYPE;
  // A router would have made it smaller (RFC 4861, 3.1).
  if (frame[NDP_IP_HOP_LIMIT] != 255) return NDP_HOP_LIMIT;
  if (*length < NDP_FIXED_BYTES) return NDP_TRUNCATED;
  if (*length > NDP_LONGEST_MESSAGE) return NDP_OVERSIZED;
  return NDP_REPLY;
}

static enum ndp_outcome ndp_judge_message(const uint8_t *frame, uint32_t length) {
  if (frame[NDP_MESSAGE_CODE] != 0) return NDP_CODE;
  if (ndp_checksum(frame, length) != 0) return NDP_CHECKSUM;
  if (frame[NDP_TARGET] == 0xff) return NDP_MULTICAST_TARGET;
  if (memcmp(frame + NDP_TARGET, ndp_mapped_prefix, sizeof ndp_mapped_prefix) == 0) return NDP_MAPPED_TARGET;
  return NDP_REPLY;
}

// Looks at all options; copies the link-layer address among them to `mac`, of several the last, and says in `has_mac`
// whether there is one. Options begin at multiples of 8 bytes, so looking at each of these places finds them all at
// constant offsets.
static enum ndp_outcome ndp_read_options(const uint8_t *frame, uint32_t length, uint8_t mac[MAC_BYTES], bool *has_mac) {
  uint8_t wanted = frame[NDP_MESSAGE] == NDP_SOLICITATION ? NDP_SOURCE_LINK_LAYER : NDP_TARGET_LINK_LAYER;
  uint32_t next = 0;
  *has_mac = false;
  NDP_UNROLLED
  for (uint32_t unit = 0; unit < NDP_MAX_UNITS; unit++) {
    uint32_t offset = NDP_FIXED_BYTES + unit * NDP_UNIT_BYTES;
    if (offset >= length || unit != next) continue;
    if (offset + 1 >= length) return NDP_OPTION_LENGTH;
    const uint8_t *option = frame + NDP_MESSAGE + offset;
    uint32_t units = option[1];
    if (units == 0 || offset + units * NDP_UNIT_BYTES > length) return NDP_OPTION_LENGTH;
    next = unit + units;
    if (option[0] != NDP_SOURCE_LINK_LAYER && option[0] != NDP_TARGET_LINK_LAYER) continue;
    if (option[0] != wanted) return NDP_OPTION_DIRECTION;
    if (units != 1) return NDP_OPTION_LENGTH;
    memcpy(mac, option + 2, MAC_BYTES);
    *has_mac = true;
  }
  return NDP_REPLY;
}

static bool ndp_is_anonymous(const uint8_t *frame) {
  return memcmp(frame + NDP_IP_SOURCE, ndp_unspecified, VIP_ADDRESS_BYTES) == 0;
}

static enum ndp_outcome ndp_judge_addresses(const uint8_t *frame, bool has_mac) {
  const uint8_t *destination = frame + NDP_IP_DESTINATION;
  if (frame[NDP_IP_SOURCE] == 0xff) return NDP_MULTICAST_SOURCE;
  if (frame[NDP_MESSAGE] == NDP_SOLICITATION) {
    bool is_to_group = memcmp(destination, ndp_solicited_prefix, sizeof ndp_solicited_prefix) == 0;
    return ndp_is_anonymous(frame) && (has_mac || !is_to_group) ? NDP_UNSPECIFIED_SOURCE : NDP_REPLY;
  }
  bool is_solicited = (frame[NDP_FLAGS] & NDP_FLAG_SOLICITED) != 0;
  return is_solicited && destination[0] == 0xff ? NDP_SOLICITED_FLAG : NDP_REPLY;
}

static bool ndp_is_station(const uint8_t *mac) { return !ndp_same(mac, ndp_unspecified) && (mac[0] & 1) == 0; }

// To the asker, or to everyone when it asks from `::` (RFC 4861, 7.2.4). `reply` is all zeros before.
static void ndp_address_reply(const uint8_t *question, const uint8_t *asker, uint8_t *reply) {
  if (ndp_is_anonymous(question)) {
    // ff02::1 at 33:33:00:00:00:01
    reply[NDP_DESTINATION] = reply[NDP_DESTINATION + 1] = 0x33;
    reply[NDP_DESTINATION + MAC_BYTES - 1] = 0x01;
    reply[NDP_IP_DESTINATION] = 0xff;
    reply[NDP_IP_DESTINATION + 1] = 0x02;
    reply[NDP_IP_DESTINATION + VIP_ADDRESS_BYTES - 1] = 0x01;
    reply[NDP_FLAGS] = NDP_FLAG_OVERRIDE;
    return;
  }
  memcpy(reply + NDP_DESTINATION, asker, MAC_BYTES);
  memcpy(reply + NDP_IP_DESTINATION, question + NDP_IP_SOURCE, VIP_ADDRESS_BYTES);
  reply[NDP_FLAGS] = NDP_FLAG_OVERRIDE | NDP_FLAG_SOLICITED;
}

// The VIP itself is the source: any address of the answering interface may be, and this one needs no lookup.
static void ndp_write_reply(const struct decision_point *at, const uint8_t *question, const uint8_t *asker, uint8_t *reply) {
  memset(reply, 0, NDP_FRAME_BYTES);
  ndp_address_reply(question, asker, reply);
  memcpy(reply + NDP_SOURCE, at->mac, MAC_BYTES);
  memcpy(reply + NDP_ETHER_TYPE, question + NDP_ETHER_TYPE, 2);
  reply[NDP_IP] = 0x60;
  reply[NDP_PAYLOAD_LENGTH + 1] = NDP_REPLY_BYTES;
  reply[NDP_IP_NEXT_HEADER] = NDP_ICMPV6;
  reply[NDP_IP_HOP_LIMIT] = 255;
  memcpy(reply + NDP_IP_SOURCE, question + NDP_TARGET, VIP_ADDRESS_BYTES);
  reply[NDP_MESSAGE] = NDP_ADVERTISEMENT;
  memcpy(reply + NDP_TARGET, question + NDP_TARGET, VIP_ADDRESS_BYTES);
  reply[NDP_OPTIONS] = NDP_TARGET_LINK_LAYER;
  reply[NDP_OPTIONS + 1] = 1;
  memcpy(reply + NDP_OPTIONS + 2, at->mac, MAC_BYTES);
  uint16_t checksum = ndp_checksum(reply, NDP_REPLY_BYTES);
  reply[NDP_MESSAGE_CHECKSUM] = (uint8_t)(checksum >> 8);
  reply[NDP_MESSAGE_CHECKSUM + 1] = (uint8_t)checksum;
}

static enum ndp_outcome ndp_judge(const struct decision_point *at, const uint8_t *frame, uint32_t length, uint8_t *sender) {
  enum ndp_outcome outcome = ndp_judge_packet(at, frame, &length);
  if (outcome != NDP_REPLY) return outcome;
  outcome = ndp_judge_message(frame, length);
  if (outcome != NDP_REPLY) return outcome;
  bool has_mac;
  memcpy(sender, frame + NDP_SOURCE, MAC_BYTES);
  outcome = ndp_read_options(frame, length, sender, &has_mac);
  if (outcome != NDP_REPLY) return outcome;
  outcome = ndp_judge_addresses(frame, has_mac);
  if (outcome != NDP_REPLY) return outcome;
  if (!ndp_is_station(sender)) return NDP_SENDER_HARDWARE;
  if (ndp_same(sender, at->mac) || ndp_same(frame + NDP_SOURCE, at->mac)) return NDP_OWN_FRAME;
  return NDP_REPLY;
}

// The address that the sender says is its own.
static void ndp_copy_claimed(const uint8_t *frame, bool is_question, uint8_t *address) {
  if (is_question) {
    memcpy(address, frame + NDP_IP_SOURCE, VIP_ADDRESS_BYTES);
    NDP_BRANCH_APART;
  } else {
    memcpy(address, frame + NDP_TARGET, VIP_ADDRESS_BYTES);
  }
}

struct ndp_decision ndp_decide(const struct decision_point *at, const uint8_t *frame, size_t length,
                               uint8_t reply[NDP_FRAME_BYTES]) {
  struct ndp_decision decision = {.outcome = NDP_REPLY};
  // No frame is longer than 64 KiB; what is cut here could only be refused as oversized.
  decision.outcome = ndp_judge(at, frame, length > UINT32_MAX ? UINT32_MAX : (uint32_t)length, decision.sender);
  if (decision.outcome != NDP_REPLY) return decision;

  bool is_question = frame[NDP_MESSAGE] == NDP_SOLICITATION;
  ndp_copy_claimed(frame, is_question, decision.address);
  decision.vip = vip_table_find(at->table, decision.address);
  if (decision.vip != NULL && (decision.vip->interfaces & at->slot_bit) != 0) {
    decision.outcome = NDP_FOREIGN_CLAIM;
    return decision;
  }
  decision.vip = NULL;
  decision.outcome = NDP_NOT_A_REQUEST;
  if (!is_question) return decision;

  memcpy(decision.address, frame + NDP_TARGET, VIP_ADDRESS_BYTES);
  decision.vip = vip_table_find(at->table, decision.address);
  decision.outcome = NDP_UNKNOWN_TARGET;
  if (decision.vip == NULL) return decision;
  decision.outcome = NDP_OTHER_INTERFACE;
  if ((decision.vip->interfaces & at->slot_bit) == 0) return decision;
  decision.outcome = NDP_FENCED;
  if (!at->fence_holds) return decision;
  ndp_write_reply(at, frame, decision.sender, reply);
  decision.outcome = NDP_REPLY;
  return decision;
}
