// SPDX-License-Identifier: Apache-2.0
#include "arp-decide.h"

#include <string.h>

// Offsets into the frame, in bytes: Ethernet header, then the packet of RFC 826.
enum {
  DESTINATION = 0,
  SOURCE = 6,
  ETHER_TYPE = 12,
  HARDWARE_TYPE = 14,
  PROTOCOL_TYPE = 16,
  HARDWARE_LENGTH = 18,
  PROTOCOL_LENGTH = 19,
  OPERATION = 20,
  SENDER_HARDWARE = 22,
  SENDER_PROTOCOL = 28,
  TARGET_HARDWARE = 32,
  TARGET_PROTOCOL = 38,
};

enum { ETHER_TYPE_ARP = 0x0806, ETHER_TYPE_IPV4 = 0x0800, HARDWARE_ETHERNET = 1, REQUEST = 1, REPLY = 2 };

// The fixed part of the packet ends where its addresses begin.
enum { FIXED_END = SENDER_HARDWARE, IPV4_BYTES = 4 };

static const uint8_t broadcast[MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t no_mac[MAC_BYTES];

static uint16_t read_u16(const uint8_t *bytes) { return (uint16_t)(bytes[0] << 8 | bytes[1]); }

static void write_u16(uint8_t *bytes, uint16_t value) {
  bytes[0] = (uint8_t)(value >> 8);
  bytes[1] = (uint8_t)value;
}

static bool same_mac(const uint8_t *a, const uint8_t *b) { return memcmp(a, b, MAC_BYTES) == 0; }

static struct arp_decision silence(enum arp_outcome outcome) { return (struct arp_decision){.outcome = outcome}; }

// ARP_REPLY stands for "nothing wrong so far".
static enum arp_outcome judge_header(const struct decision_point *at, const uint8_t *frame, size_t length) {
  if (length < HARDWARE_TYPE) return ARP_SHORT_FRAME;
  if (read_u16(frame + ETHER_TYPE) != ETHER_TYPE_ARP) return ARP_OTHER_ETHERTYPE;
  if (!same_mac(frame + DESTINATION, broadcast) && !same_mac(frame + DESTINATION, at->mac)) return ARP_OTHER_DESTINATION;
  if (length < FIXED_END) return ARP_TRUNCATED;
  if (read_u16(frame + HARDWARE_TYPE) != HARDWARE_ETHERNET) return ARP_HARDWARE_TYPE;
  if (read_u16(frame + PROTOCOL_TYPE) != ETHER_TYPE_IPV4) return ARP_PROTOCOL_TYPE;
  if (frame[HARDWARE_LENGTH] != MAC_BYTES || frame[PROTOCOL_LENGTH] != IPV4_BYTES) return ARP_ADDRESS_LENGTH;
  uint16_t operation = read_u16(frame + OPERATION);
  if (operation != REQUEST && operation != REPLY) return ARP_OPERATION;
  if (length < ARP_FRAME_BYTES) return ARP_TRUNCATED;
  return ARP_REPLY;
}

static bool is_station(const uint8_t *mac) { return !same_mac(mac, no_mac) && (mac[0] & 1) == 0; }

static void write_reply(const struct decision_point *at, const uint8_t *request, uint8_t *reply) {
  memcpy(reply + DESTINATION, request + SENDER_HARDWARE, MAC_BYTES);
  memcpy(reply + SOURCE, at->mac, MAC_BYTES);
  // EtherType, types and lengths are those of the request, which were looked at.
  memcpy(reply + ETHER_TYPE, request + ETHER_TYPE, OPERATION - ETHER_TYPE);
  write_u16(reply + OPERATION, REPLY);
  memcpy(reply + SENDER_HARDWARE, at->mac, MAC_BYTES);
  memcpy(reply + SENDER_PROTOCOL, request + TARGET_PROTOCOL, IPV4_BYTES);
  memcpy(reply + TARGET_HARDWARE, request + SENDER_HARDWARE, MAC_BYTES);
  memcpy(reply + TARGET_PROTOCOL, request + SENDER_PROTOCOL, IPV4_BYTES);
}

struct arp_decision arp_decide(const struct decision_point *at, const uint8_t *frame, size_t length,
                               uint8_t reply[ARP_FRAME_BYTES]) {
  enum arp_outcome header = judge_header(at, frame, length);
  if (header != ARP_REPLY) return silence(header);
  const uint8_t *sender = frame + SENDER_HARDWARE;
  if (!is_station(sender)) return silence(ARP_SENDER_HARDWARE);
  if (same_mac(sender, at->mac)) return silence(ARP_OWN_FRAME);

  const struct vip_entry *claimed = vip_table_find_v4(at->table, frame + SENDER_PROTOCOL);
  if (claimed != NULL && (claimed->interfaces & at->slot_bit) != 0) {
    return (struct arp_decision){ARP_FOREIGN_CLAIM, claimed, sender};
  }
  if (read_u16(frame + OPERATION) != REQUEST) return silence(ARP_NOT_A_REQUEST);

  const struct vip_entry *vip = vip_table_find_v4(at->table, frame + TARGET_PROTOCOL);
  if (vip == NULL) return silence(ARP_UNKNOWN_TARGET);
  if ((vip->interfaces & at->slot_bit) == 0) return (struct arp_decision){ARP_OTHER_INTERFACE, vip, sender};
  if (!at->fence_holds) return (struct arp_decision){ARP_FENCED, vip, sender};
  write_reply(at, frame, reply);
  return (struct arp_decision){ARP_REPLY, vip, sender};
}
