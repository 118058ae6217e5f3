// SPDX-License-Identifier: Apache-2.0
// The decisions on ARP and on neighbor discovery in one form, as the answering thread wants them.
#ifndef BERTH_FRAME_VERDICT_H
#define BERTH_FRAME_VERDICT_H

#include "outcomes.h"

struct verdict {
  // In the numbering of outcomes.h.
  size_t outcome;
  // The VIP that was asked for or claimed, where the outcome is about one; else NULL.
  const struct vip_entry *vip;
  // MAC address of who asked or claimed; valid when `vip` is set.
  uint8_t sender[MAC_BYTES];
  // What is to be sent back; 0 for silence.
  size_t reply_length;
  bool is_fenced;
  bool is_claim;
  // Whether the frame went to another host, by its destination alone.
  bool is_for_other_host;
};

// Decides on a frame by its EtherType; `reply` has room for NDP_FRAME_BYTES.
struct verdict frame_verdict(const struct decision_point *at, const uint8_t *frame, size_t length, uint8_t *reply);

// Whether the frame carries IPv6, and so neighbor discovery if it is of interest at all.
bool frame_is_ipv6(const uint8_t *frame, size_t length);

#endif
