// SPDX-License-Identifier: Apache-2.0
#include "frame-verdict.h"

#include <string.h>

enum { FRAME_ETHER_TYPE = 12, FRAME_HEADER_BYTES = 14 };

bool frame_is_ipv6(const uint8_t *frame, size_t length) {
  return length >= FRAME_HEADER_BYTES && frame[FRAME_ETHER_TYPE] == 0x86 && frame[FRAME_ETHER_TYPE + 1] == 0xdd;
}

static struct verdict verdict_on_arp(const struct decision_point *at, const uint8_t *frame, size_t length, uint8_t *reply) {
  struct arp_decision decision = arp_decide(at, frame, length, reply);
  struct verdict verdict = {.outcome = decision.outcome,
                            .vip = decision.vip,
                            .reply_length = decision.outcome == ARP_REPLY ? ARP_FRAME_BYTES : 0,
                            .is_fenced = decision.outcome == ARP_FENCED,
                            .is_claim = decision.outcome == ARP_FOREIGN_CLAIM,
                            .is_for_other_host = decision.outcome == ARP_OTHER_DESTINATION};
  if (decision.vip != NULL) memcpy(verdict.sender, decision.sender, MAC_BYTES);
  return verdict;
}

static struct verdict verdict_on_ndp(const struct decision_point *at, const uint8_t *frame, size_t length, uint8_t *reply) {
  struct ndp_decision decision = ndp_decide(at, frame, length, reply);
  struct verdict verdict = {.outcome = NDP_BEFORE + (size_t)decision.outcome,
                            .vip = decision.vip,
                            .reply_length = decision.outcome == NDP_REPLY ? NDP_FRAME_BYTES : 0,
                            .is_fenced = decision.outcome == NDP_FENCED,
                            .is_claim = decision.outcome == NDP_FOREIGN_CLAIM,
                            .is_for_other_host = decision.outcome == NDP_OTHER_DESTINATION};
  memcpy(verdict.sender, decision.sender, MAC_BYTES);
  return verdict;
}

struct verdict frame_verdict(const struct decision_point *at, const uint8_t *frame, size_t length, uint8_t *reply) {
  return frame_is_ipv6(frame, length) ? verdict_on_ndp(at, frame, length, reply)
                                      : verdict_on_arp(at, frame, length, reply);
}
