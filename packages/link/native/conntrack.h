// SPDX-License-Identifier: Apache-2.0
// The flows of this node's conntrack that belong to Services, read by ctnetlink. Safe to call on any thread.
#ifndef BERTH_CONNTRACK_H
#define BERTH_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

// As JavaScript gives them (src/conntrack.ts).
struct conntrack_service {
  uint8_t vip[16];
  // In host byte order.
  uint16_t port;
  uint8_t protocol;
  uint8_t is_by_client;
  uint32_t row_count;
};

struct conntrack_flow {
  uint64_t fingerprint;
  // Position of its Service in the query.
  uint16_t service;
  uint16_t row;
};

struct conntrack_query {
  uint64_t seed;
  // Any order; sorted copies are made.
  const struct conntrack_service *services;
  size_t service_count;
};

// Filled by conntrack_read; conntrack_free gives the memory back.
struct conntrack_flows {
  struct conntrack_flow *list;
  size_t count, room;
  // Entries of the whole table, and how many there may be.
  uint32_t total, max;
};

// False on failure, with nothing to free. EINVAL of "ctnetlink" and EPROTONOSUPPORT of "socket": the kernel has no
// conntrack that can be read.
bool conntrack_read(const struct conntrack_query *query, struct conntrack_flows *flows, struct failure *failure);
void conntrack_free(struct conntrack_flows *flows);

#endif
