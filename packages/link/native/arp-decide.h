// SPDX-License-Identifier: Apache-2.0
// What to do with a frame that carries ARP (RFC 826, 5227): a reply, or a reason for silence. A pure function; its
// description is packages/core/src/layer2/respond.ts, and both are held together by the same vectors.
#ifndef BERTH_ARP_DECIDE_H
#define BERTH_ARP_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vip-table.h"

// Outcome, and its name in metrics. Order and names of the reasons are those of SILENCE_REASONS in respond.ts.
#define ARP_OUTCOMES(ROW)                          \
  ROW(ARP_REPLY, "reply")                          \
  ROW(ARP_SHORT_FRAME, "short-frame")              \
  ROW(ARP_OTHER_ETHERTYPE, "other-ethertype")      \
  ROW(ARP_OTHER_DESTINATION, "other-destination")  \
  ROW(ARP_TRUNCATED, "truncated")                  \
  ROW(ARP_HARDWARE_TYPE, "hardware-type")          \
  ROW(ARP_PROTOCOL_TYPE, "protocol-type")          \
  ROW(ARP_ADDRESS_LENGTH, "address-length")        \
  ROW(ARP_OPERATION, "operation")                  \
  ROW(ARP_SENDER_HARDWARE, "sender-hardware-addr") \
  ROW(ARP_OWN_FRAME, "own-frame")                  \
  ROW(ARP_FOREIGN_CLAIM, "foreign-claim")          \
  ROW(ARP_NOT_A_REQUEST, "not-a-request")          \
  ROW(ARP_UNKNOWN_TARGET, "unknown-target")        \
  ROW(ARP_OTHER_INTERFACE, "other-interface")      \
  ROW(ARP_FENCED, "fenced")

#define ARP_ENUM_ROW(name, text) name,
enum arp_outcome { ARP_OUTCOMES(ARP_ENUM_ROW) ARP_OUTCOME_COUNT };
#undef ARP_ENUM_ROW

enum { MAC_BYTES = 6, ARP_FRAME_BYTES = 42 };

// One interface of the node, at one moment.
struct decision_point {
  const struct vip_table *table;
  // Bit of the interface in vip_entry.interfaces.
  uint64_t slot_bit;
  const uint8_t *mac;
  bool fence_holds;
};

struct arp_decision {
  enum arp_outcome outcome;
  // The VIP that was asked for or claimed, where the outcome is about one; else NULL.
  const struct vip_entry *vip;
  // The sender's MAC inside `frame`, valid when `vip` is set.
  const uint8_t *sender;
};

// Decides on a frame of `length` bytes as it was received. Fills `reply` only when the outcome is ARP_REPLY.
struct arp_decision arp_decide(const struct decision_point *at, const uint8_t *frame, size_t length,
                               uint8_t reply[ARP_FRAME_BYTES]);

#endif
