// SPDX-License-Identifier: Apache-2.0
// What to do with a frame that carries neighbor discovery (RFC 4861, 4862): an advertisement, or a reason for silence.
// A pure function; its description is packages/core/src/layer2/respond-ndp.ts, and both are held together by the same
// vectors. Compiled for the kernel too (bpf/answer.bpf.c), so every loop has a constant bound.
#ifndef BERTH_NDP_DECIDE_H
#define BERTH_NDP_DECIDE_H

#include "arp-decide.h"

// Outcome, and its name in metrics. Order and names are those of NDP_SILENCE_REASONS in respond-ndp.ts, with "ndp-"
// before them.
#define NDP_OUTCOMES(ROW)                              \
  ROW(NDP_REPLY, "ndp-reply")                          \
  ROW(NDP_SHORT_FRAME, "ndp-short-frame")              \
  ROW(NDP_OTHER_ETHERTYPE, "ndp-other-ethertype")      \
  ROW(NDP_OTHER_DESTINATION, "ndp-other-destination")  \
  ROW(NDP_TRUNCATED, "ndp-truncated")                  \
  ROW(NDP_IP_VERSION, "ndp-ip-version")                \
  ROW(NDP_NEXT_HEADER, "ndp-next-header")              \
  ROW(NDP_ICMPV6_TYPE, "ndp-icmpv6-type")              \
  ROW(NDP_HOP_LIMIT, "ndp-hop-limit")                  \
  ROW(NDP_OVERSIZED, "ndp-oversized")                  \
  ROW(NDP_CODE, "ndp-code")                            \
  ROW(NDP_CHECKSUM, "ndp-checksum")                    \
  ROW(NDP_MULTICAST_TARGET, "ndp-multicast-target")    \
  ROW(NDP_MAPPED_TARGET, "ndp-mapped-target")          \
  ROW(NDP_OPTION_LENGTH, "ndp-option-length")          \
  ROW(NDP_OPTION_DIRECTION, "ndp-option-direction")    \
  ROW(NDP_MULTICAST_SOURCE, "ndp-multicast-source")    \
  ROW(NDP_UNSPECIFIED_SOURCE, "ndp-unspecified-source") \
  ROW(NDP_SOLICITED_FLAG, "ndp-solicited-flag")        \
  ROW(NDP_SENDER_HARDWARE, "ndp-sender-hardware-addr") \
  ROW(NDP_OWN_FRAME, "ndp-own-frame")                  \
  ROW(NDP_FOREIGN_CLAIM, "ndp-foreign-claim")          \
  ROW(NDP_NOT_A_REQUEST, "ndp-not-a-request")          \
  ROW(NDP_UNKNOWN_TARGET, "ndp-unknown-target")        \
  ROW(NDP_OTHER_INTERFACE, "ndp-other-interface")      \
  ROW(NDP_FENCED, "ndp-fenced")

#define NDP_ENUM_ROW(name, text) name,
enum ndp_outcome { NDP_OUTCOMES(NDP_ENUM_ROW) NDP_OUTCOME_COUNT };
#undef NDP_ENUM_ROW

enum {
  // An advertisement with its option, in bytes.
  NDP_FRAME_BYTES = 86,
  // The longest message that is read (NDP_LONGEST_BYTES in core), and a frame that carries it.
  NDP_LONGEST_MESSAGE = 120,
  NDP_LONGEST_FRAME = 14 + 40 + NDP_LONGEST_MESSAGE,
};

struct ndp_decision {
  enum ndp_outcome outcome;
  // The VIP that was asked for or claimed, where the outcome is about one; else NULL.
  const struct vip_entry *vip;
  // That VIP's address, and the MAC address of who asked or claimed; valid when `vip` is set.
  uint8_t address[VIP_ADDRESS_BYTES];
  uint8_t sender[MAC_BYTES];
};

// Decides on a frame of `length` bytes as it was received. Fills `reply` only when the outcome is NDP_REPLY.
struct ndp_decision ndp_decide(const struct decision_point *at, const uint8_t *frame, size_t length,
                               uint8_t reply[NDP_FRAME_BYTES]);

#endif
